"""
What each method does. No I/O here, but for the census.

An operation is a generator: it yields what it asks of Redis, is sent the replies, and returns what stands under
``result``. So a batch is one round trip: `round_trip.run` asks for all of its operations together.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

import msgspec

from tandem import Position, __version__, conf, control, presence, scripts, streams
from tandem.census import take_census
from tandem.errors import TandemError
from tandem.groups import group_for
from tandem.publication import Publication, encode_json
from tandem.publisher import Draft, publish_call, read_outcome
from tandem.request_log import current_request_id
from tandem.scripts import Call
from tandem.server_api import requests
from tandem.server_api.failures import Error, Failure, error_for

MAX_CHANNELS = 10_000
"""How many channels of one process `channels` tells of; those with the most subscribers."""

Result: TypeAlias = dict[str, Any]
Question: TypeAlias = tuple[str, Call]
"""A script, and the group that tells on which shard it runs."""
Operation: TypeAlias = Generator[list[Question], list[Any], Result]
"""Each reply that it is sent is Redis's, or the `TandemError` that came instead."""


class Answer(msgspec.Struct, omit_defaults=True):
    """A result or an error."""

    result: Result | None = None
    error: Error | None = None


def _ask(group: str, call: Call) -> Generator[list[Question], list[Any], Any]:
    [reply] = yield [(group, call)]
    if isinstance(reply, TandemError):
        raise reply
    return reply


# -- Publishing ----------------------------------------------------------------------------------


def publish(request: requests.Publish) -> Operation:
    """Publish, and tell the position."""
    [answer] = yield from _publish_each([request.channel], request)
    if answer.error is not None:
        raise Failure(answer.error.code, answer.error.message)
    return answer.result or {}


def broadcast(request: requests.Broadcast) -> Operation:
    """Publish to every channel; each has a result or an error of its own."""
    return {"responses": (yield from _publish_each(request.channels, request))}


def _publish_each(
    channels: Sequence[str], what: requests.Published
) -> Generator[list[Question], list[Any], list[Answer]]:
    started = time.perf_counter()
    made = [_publish_call(channel, what) for channel in channels]
    replies = iter((yield [question for question in made if not isinstance(question, Answer)]))
    return [each if isinstance(each, Answer) else _published(next(replies), started) for each in made]


def _publish_call(channel: str, what: requests.Published) -> Question | Answer:
    key = what.idempotency_key or None
    draft = Draft(channel, what.data, key, what.tags, what.skip_history, current_request_id())
    try:
        call = publish_call(draft)
    except TandemError as error:
        return Answer(error=error_for(error))
    return group_for(channel), call


def _published(reply: Any, started: float) -> Answer:
    outcome = read_outcome(reply, started)
    if isinstance(outcome, TandemError):
        return Answer(error=error_for(outcome))
    return Answer({"offset": outcome.offset, "epoch": outcome.epoch})


def publication_count(request: msgspec.Struct) -> int:
    """Return how many publications *request* asks for."""
    return len(request.channels) if isinstance(request, requests.Broadcast) else isinstance(request, requests.Publish)


# -- Streams and presence --------------------------------------------------------------------------


def history(request: requests.History) -> Operation:
    """Return the position of a stream, and as many of its publications as are asked for."""
    _require(conf.namespaces().of(request.channel).has_history)
    since = _position(request.since)
    call = streams.history_call(request.channel, since, request.limit, request.reverse)
    found = streams.parse_history(request.channel, (yield from _ask(group_for(request.channel), call)), since)
    epoch, offset = found.position
    return {"publications": [_publication(each) for each in found.publications], "epoch": epoch, "offset": offset}


def history_remove(request: requests.OfChannel) -> Operation:
    """Forget the publications of a channel."""
    _require(conf.namespaces().of(request.channel).has_history)
    yield from _ask(group_for(request.channel), scripts.remove_call(request.channel))
    return {}


def present(request: requests.OfChannel) -> Operation:
    """Tell who is in a channel."""
    infos = yield from _read_presence(request.channel)
    return {"presence": {client: msgspec.Raw(info) for client, info in infos.items()}}


def presence_stats(request: requests.OfChannel) -> Operation:
    """Tell how many clients and users are in a channel."""
    clients, users = presence.count((yield from _read_presence(request.channel)))
    return {"num_clients": clients, "num_users": users}


def _read_presence(channel: str) -> Generator[list[Question], list[Any], dict[str, bytes]]:
    _require(conf.namespaces().of(channel).presence)
    return presence.parse_present((yield from _ask(group_for(channel), presence.read_call(channel))))


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


def subscribe(request: requests.Subscribe) -> Operation:
    """Give connections a channel."""
    epoch, offset = _position(request.recover_since) or ("", 0)
    info, data = (b"" if text == b"null" else text for text in map(encode_json, (request.info, request.data)))
    whom = _whom(request)
    message = control.Subscribe(**whom, channel=request.channel, info=info, data=data, epoch=epoch, offset=offset)
    return (yield from _tell(message))


def unsubscribe(request: requests.Unsubscribe) -> Operation:
    """Take a channel from connections."""
    return (yield from _tell(control.Unsubscribe(**_whom(request), channel=request.channel)))


def disconnect(request: requests.Disconnect) -> Operation:
    """End connections."""
    why = request.disconnect
    message = control.Disconnect(**_whom(request), code=why.code, reason=why.reason, whitelist=request.whitelist)
    return (yield from _tell(message))


def refresh(request: requests.Refresh) -> Operation:
    """Change when connections run out."""
    message = control.Refresh(**_whom(request), expired=request.expired, expire_at=request.expire_at or 0)
    return (yield from _tell(message))


def _tell(message: control.Message) -> Operation:
    yield from _ask(control.GROUP, control.control_call(message))
    return {}


def _whom(request: requests.Aimed) -> dict[str, str]:
    return {"user": request.user, "client": request.client, "session": request.session}


# -- The processes -----------------------------------------------------------------------------------


def channels(request: requests.Channels) -> Operation:
    """Tell which channels have subscribers now, and how many, over all processes that answer within a second."""
    yield []
    counts: Counter[str] = Counter()
    for answer in take_census(limit=MAX_CHANNELS):
        counts.update({crowd.name: crowd.count for crowd in answer.channels})
    matching = {name: count for name, count in counts.items() if fnmatchcase(name, request.pattern or "*")}
    return {"channels": {name: {"num_clients": count} for name, count in matching.items()}}


def info(request: requests.Nothing) -> Operation:
    """Tell of each realtime process that answers within a second."""
    yield []
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


METHODS: dict[str, tuple[type[msgspec.Struct], Callable[[Any], Operation]]] = {
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
