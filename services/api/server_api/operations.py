"""What each method does, through the library. Takes a request's type, returns what stands under ``result``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from api.request_log import current_request_id
from api.server_api import requests
from api.server_api.failures import Error, Failure, error_for
from tandem import Position, RedisUnavailable, __version__, conf, control, presence, streams
from tandem.census import take_census
from tandem.errors import TandemError
from tandem.publication import Publication
from tandem.publisher import Draft, publish_many

MAX_CHANNELS = 10_000
"""How many channels of one process `channels` tells of; those with the most subscribers."""

Result = dict[str, Any]


class Answer(msgspec.Struct, omit_defaults=True):
    """A result or an error."""

    result: Result | None = None
    error: Error | None = None


# -- Publishing ----------------------------------------------------------------------------------


def publish(request: requests.Publish) -> Result:
    """Publish, and tell the position."""
    [answer] = publish_drafts(drafts_of(request))
    if answer.error is not None:
        raise Failure(answer.error.code, answer.error.message)
    return answer.result or {}


def broadcast(request: requests.Broadcast) -> Result:
    """Publish to every channel in one round trip to each shard; each channel has a result or an error of its own."""
    return {"responses": publish_drafts(drafts_of(request))}


def drafts_of(request: requests.Publish | requests.Broadcast) -> list[Draft]:
    """Return a draft for each channel of *request*."""
    channels = request.channels if isinstance(request, requests.Broadcast) else [request.channel]
    data, tags, key = on_one_line(request.data), request.tags, request.idempotency_key or None
    return [Draft(channel, data, key, tags, request.skip_history, current_request_id()) for channel in channels]


def on_one_line(data: msgspec.Raw) -> msgspec.Raw:
    """Return *data* as it is, unless it has line breaks between its values: on the wire, those separate messages."""
    text = bytes(data)
    return msgspec.Raw(msgspec.json.format(text, indent=-1)) if b"\n" in text or b"\r" in text else data


def publish_drafts(drafts: Sequence[Draft]) -> list[Answer]:
    """Publish *drafts* together, and answer each."""
    refused = {index: error for index, draft in enumerate(drafts) if (error := _refusal(draft.channel))}
    accepted = [draft for index, draft in enumerate(drafts) if index not in refused]
    outcomes: list[Position | TandemError]
    try:
        outcomes = publish_many(accepted)
    except RedisUnavailable as error:
        outcomes = [error] * len(accepted)
    remaining = iter(outcomes)
    return [Answer(error=refused[i]) if i in refused else _published(next(remaining)) for i in range(len(drafts))]


def _refusal(channel: str) -> Error | None:
    try:
        conf.namespaces().of(channel)
    except TandemError as error:
        return error_for(error)
    return None


def _published(outcome: Position | TandemError) -> Answer:
    if isinstance(outcome, TandemError):
        return Answer(error=error_for(outcome))
    return Answer({"offset": outcome.offset, "epoch": outcome.epoch})


# -- Streams and presence --------------------------------------------------------------------------


def history(request: requests.History) -> Result:
    """Return the position of a stream, and as many of its publications as are asked for."""
    _require(conf.namespaces().of(request.channel).has_history)
    since = _position(request.since)
    found = streams.history(request.channel, since=since, limit=request.limit, reverse=request.reverse)
    epoch, offset = found.position
    return {"publications": [_publication(each) for each in found.publications], "epoch": epoch, "offset": offset}


def history_remove(request: requests.OfChannel) -> Result:
    """Forget the publications of a channel."""
    _require(conf.namespaces().of(request.channel).has_history)
    streams.remove_history(request.channel)
    return {}


def present(request: requests.OfChannel) -> Result:
    """Tell who is in a channel."""
    _require(conf.namespaces().of(request.channel).presence)
    infos = presence.presence(request.channel)
    return {"presence": {client: msgspec.Raw(info) for client, info in infos.items()}}


def presence_stats(request: requests.OfChannel) -> Result:
    """Tell how many clients and users are in a channel."""
    _require(conf.namespaces().of(request.channel).presence)
    clients, users = presence.presence_stats(request.channel)
    return {"num_clients": clients, "num_users": users}


def _require(is_available: bool) -> None:
    if not is_available:
        raise Failure(108, "not available")


def _position(given: requests.StreamPosition | None) -> Position | None:
    if given is None:
        return None
    if not 0 <= given.offset < 2**53:  # Redis computes offsets as doubles
        raise ValueError("an offset is zero or more")
    return Position(given.epoch, given.offset)


def _publication(publication: Publication) -> Result:
    told: Result = {"data": msgspec.Raw(publication.data), "offset": publication.offset}
    if publication.info:
        told["info"] = msgspec.Raw(publication.info)
    if publication.tags:
        told["tags"] = msgspec.Raw(publication.tags)
    return told


# -- Connections -----------------------------------------------------------------------------------


def subscribe(request: requests.Subscribe) -> Result:
    """Give connections a channel."""
    since = _position(request.recover_since)
    control.subscribe(request.channel, **_whom(request), info=request.info, data=request.data, since=since)
    return {}


def unsubscribe(request: requests.Unsubscribe) -> Result:
    """Take a channel from connections."""
    control.unsubscribe(request.channel, **_whom(request))
    return {}


def disconnect(request: requests.Disconnect) -> Result:
    """End connections."""
    why = request.disconnect
    control.disconnect(**_whom(request), whitelist=request.whitelist, code=why.code, reason=why.reason)
    return {}


def refresh(request: requests.Refresh) -> Result:
    """Change when connections run out."""
    control.refresh(**_whom(request), expired=request.expired, expire_at=request.expire_at)
    return {}


def _whom(request: requests.Aimed) -> dict[str, str]:
    return {"user": request.user, "client": request.client, "session": request.session}


# -- The processes -----------------------------------------------------------------------------------


def channels(request: requests.Channels) -> Result:
    """Tell which channels have subscribers now, and how many, over all processes that answer within a second."""
    counts: Counter[str] = Counter()
    for answer in take_census(limit=MAX_CHANNELS):
        counts.update({crowd.name: crowd.count for crowd in answer.channels})
    matching = {name: count for name, count in counts.items() if fnmatchcase(name, request.pattern or "*")}
    return {"channels": {name: {"num_clients": count} for name, count in matching.items()}}


def info(request: requests.Nothing) -> Result:
    """Tell of each realtime process that answers within a second."""
    return {
        "nodes": [
            {
                "uid": answer.node,
                "name": answer.pod,
                "version": __version__,
                "num_clients": sum(answer.transports.values()),
                "num_users": answer.user_count,
                "num_channels": answer.channel_count,
            }
            for answer in take_census(limit=0)
        ]
    }


METHODS: dict[str, tuple[type[msgspec.Struct], Callable[[Any], Result]]] = {
    "publish": (requests.Publish, publish),
    "broadcast": (requests.Broadcast, broadcast),
    "subscribe": (requests.Subscribe, subscribe),
    "unsubscribe": (requests.Unsubscribe, unsubscribe),
    "disconnect": (requests.Disconnect, disconnect),
    "refresh": (requests.Refresh, refresh),
    "presence": (requests.OfChannel, present),
    "presence_stats": (requests.OfChannel, presence_stats),
    "history": (requests.History, history),
    "history_remove": (requests.OfChannel, history_remove),
    "channels": (requests.Channels, channels),
    "info": (requests.Nothing, info),
}
