"""What each method does: a plan of what it asks of Redis. No I/O here, but for the census."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

import msgspec

from tandem import Position, __version__, census, conf, control, presence, scripts, streams
from tandem.census import take_census
from tandem.errors import RedisUnavailable, TandemError
from tandem.groups import group_for
from tandem.pause import paused_since, refuse_while_paused
from tandem.publication import Publication, encode_json
from tandem.publisher import Draft, publish_call, read_outcome
from tandem.request_log import current_request_id
from tandem.server_api import requests
from tandem.server_api.failures import Failure
from tandem.server_api.plans import Plan, Replies, Result, ask, attempt, together

MAX_CHANNELS = 10_000
"""How many channels of one process `channels` tells of; those with the most subscribers."""


# -- Publishing ----------------------------------------------------------------------------------


def publish(request: requests.Publish) -> Plan:
    """Publish, and tell the position."""
    return _publish_to(request.channel, request)


def broadcast(request: requests.Broadcast) -> Plan:
    """Publish to every channel; each has a result or an error of its own."""
    plans = [attempt(partial(_publish_to, channel, request)) for channel in request.channels]
    questions, finish = together(plans)
    return Plan(questions, lambda replies: {"responses": finish(replies)})


def _publish_to(channel: str, what: requests.Published) -> Plan:
    started = time.perf_counter()
    refuse_while_paused()
    draft = Draft(
        channel,
        what.data,
        what.idempotency_key or None,
        what.tags,
        what.skip_history,
        current_request_id(),
        what.version or 0,
        what.version_epoch or "",
    )

    def finish(replies: Replies) -> Result:
        [reply] = replies
        outcome = read_outcome(reply, started)  # also tells the observers
        if isinstance(outcome, TandemError):
            raise outcome
        return {"offset": outcome.offset, "epoch": outcome.epoch}

    return Plan([(group_for(channel), publish_call(draft))], finish)


def publication_count(request: msgspec.Struct | Failure) -> int:
    """Return how many publications *request* asks for."""
    return len(request.channels) if isinstance(request, requests.Broadcast) else isinstance(request, requests.Publish)


# -- Streams and presence --------------------------------------------------------------------------


def history(request: requests.History) -> Plan:
    """Return the position of a stream, and as many of its publications as are asked for."""
    _require(conf.namespaces().of(request.channel).has_history)
    since = _position(request.since)
    call = streams.history_call(request.channel, since, request.limit, request.reverse)

    def read(reply: Any) -> Result:
        found = streams.parse_history(request.channel, reply, since)
        epoch, offset = found.position
        return {"publications": [_publication(each) for each in found.publications], "epoch": epoch, "offset": offset}

    return ask(group_for(request.channel), call, read)


def history_remove(request: requests.OfChannel) -> Plan:
    """Forget the publications of a channel."""
    _require(conf.namespaces().of(request.channel).has_history)
    return ask(group_for(request.channel), scripts.remove_call(request.channel), _nothing)


def present(request: requests.OfChannel) -> Plan:
    """Tell who is in a channel."""

    def read(infos: dict[str, bytes]) -> Result:
        return {"presence": {client: msgspec.Raw(info) for client, info in infos.items()}}

    return _of_presence(request.channel, read)


def presence_stats(request: requests.OfChannel) -> Plan:
    """Tell how many clients and users are in a channel."""

    def read(infos: dict[str, bytes]) -> Result:
        clients, users = presence.count(infos)
        return {"num_clients": clients, "num_users": users}

    return _of_presence(request.channel, read)


def _of_presence(channel: str, read: Callable[[dict[str, bytes]], Result]) -> Plan:
    _require(conf.namespaces().of(channel).presence)
    return ask(group_for(channel), presence.read_call(channel), lambda reply: read(presence.parse_present(reply)))


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


def subscribe(request: requests.Subscribe) -> Plan:
    """Give connections a channel."""
    _check_override(request)
    epoch, offset = _position(request.recover_since) or ("", 0)
    info, data = (b"" if text == b"null" else text for text in map(encode_json, (request.info, request.data)))
    message = control.Subscribe(
        user=request.user,
        client=request.client,
        session=request.session,
        channel=request.channel,
        info=info,
        data=data,
        epoch=epoch,
        offset=offset,
        expire_at=request.expire_at or 0,
        ns=control.namespaces_of(request.channel),
    )
    return _tell(message)


def _check_override(request: requests.Subscribe) -> None:
    """Raise `ValueError` where options are asked for that the namespace has not."""
    namespace = conf.namespaces().of(request.channel)
    has = {
        "presence": namespace.presence,
        "join_leave": namespace.join_leave,
        "force_push_join_leave": namespace.join_leave,
        "force_recovery": namespace.recovery,
        "force_positioning": namespace.recovery,
    }
    for name, is_on in has.items():
        asked: requests.BoolValue | None = getattr(request.override, name, None)
        if asked is not None and asked.value is not is_on:
            raise ValueError(f"override: {name} is {str(is_on).lower()} in the namespace of {request.channel}")


def unsubscribe(request: requests.Unsubscribe) -> Plan:
    """Take a channel from connections."""
    return _tell(control.Unsubscribe(**_whom(request), channel=request.channel))


def disconnect(request: requests.Disconnect) -> Plan:
    """End connections."""
    why = request.disconnect
    message = control.Disconnect(**_whom(request), code=why.code, reason=why.reason, whitelist=request.whitelist)
    return _tell(message)


def refresh(request: requests.Refresh) -> Plan:
    """Change when connections run out."""
    message = control.Refresh(**_whom(request), expired=request.expired, expire_at=request.expire_at or 0)
    return _tell(message)


def _tell(message: control.Message) -> Plan:
    """Tell the processes; what Redis cannot take now waits, as it does for `tandem.control`."""
    questions, keep = control.tell(message), control.keep

    def wait(_: Replies) -> Result:
        if keep is not None:
            keep(msgspec.json.encode(message))
        return {}

    def finish(replies: Replies) -> Result:
        reply = replies[0]
        if isinstance(reply, RedisUnavailable) and keep is not None:
            return wait(replies)
        if isinstance(reply, TandemError):
            raise reply
        return {}

    return Plan([], wait) if keep is not None and paused_since() else Plan(questions, finish)


def _nothing(_: object) -> Result:
    return {}


def _whom(request: requests.Aimed) -> dict[str, str]:
    return {"user": request.user, "client": request.client, "session": request.session}


# -- The processes -----------------------------------------------------------------------------------


def channels(request: requests.Channels) -> Plan:
    """Tell which channels have subscribers now, and how many, over all processes that answer within a second."""

    def finish(_: Replies) -> Result:
        counts: Counter[str] = Counter()
        for answer in take_census(limit=MAX_CHANNELS):
            counts.update({crowd.name: crowd.count for crowd in answer.channels})
        matching = {name: count for name, count in counts.items() if fnmatchcase(name, request.pattern or "*")}
        return {"channels": {name: {"num_clients": count} for name, count in matching.items()}}

    return Plan([], finish)


def info(request: requests.Nothing) -> Plan:
    """Tell of each realtime process that answers within a second."""
    return Plan([], lambda _: {"nodes": [_node(answer) for answer in take_census(limit=0)]})


def _node(answer: census.Answer) -> Result:
    return {
        "uid": answer.node,
        "name": answer.pod,
        "version": __version__,
        "num_clients": sum(answer.transports.values()),
        "num_users": answer.user_count,
        "num_channels": answer.channel_count,
    }


METHODS: dict[str, tuple[type[msgspec.Struct], Callable[[Any], Plan]]] = {
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
