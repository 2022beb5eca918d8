"""From answers and pushes to messages with their length before them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tandem.publication import ClientInfo, Publication, tags_of
from tandem_realtime.protocol import results
from tandem_realtime.protocol.codes import Disconnect, Error, Unsubscribed
from tandem_realtime.protocol.dialects.protobuf import schema

PING = b"\0"

_info_decoder = msgspec.json.Decoder(ClientInfo)


def encode_reply(id: int, method: str, result: Any, /) -> bytes:
    """Encode the answer to the command *id*."""
    reply = schema.Reply(id=id)
    answer = getattr(reply, method)
    answer.SetInParent()  # an empty answer is one too
    if write := _WRITERS.get(type(result)):
        write(answer, result)
    return _delimited(reply)


def reply_pieces(id: int, method: str, result: Any, /) -> list[bytes]:
    """Encode the same; its length comes first, so it has to be whole."""
    return [encode_reply(id, method, result)]


def encode_error(id: int, error: Error, /) -> bytes:
    """Encode the failure of the command *id*."""
    reply = schema.Reply(id=id)
    reply.error.code, reply.error.message, reply.error.temporary = error
    return _delimited(reply)


def push_publication(publication: Publication, /) -> bytes:
    """Encode the push of a publication."""
    reply = _push(publication.channel)
    _write_publication(reply.push.pub, publication)
    return _delimited(reply)


def push_pieces(publication: Publication, /) -> list[bytes]:
    """Encode the same; its length comes first, so it has to be whole."""
    return [push_publication(publication)]


push_whole = push_publication


def push_delta(publication: Publication, delta: bytes, /) -> bytes:
    """Encode the push of a publication as what differs from the one that the subscription had before."""
    reply = _push(publication.channel)
    _write_publication(reply.push.pub, publication)
    reply.push.pub.data, reply.push.pub.delta = delta, True
    return _delimited(reply)


def push_subscribe(channel: str, result: results.SubscribeResult, /) -> bytes:
    """Tell a client that the server subscribed it."""
    reply = _push(channel)
    news = reply.push.subscribe
    news.SetInParent()
    news.recoverable, news.positioned = result.recoverable, result.positioned
    news.epoch, news.offset, news.data = result.epoch, result.offset, bytes(result.data)
    return _delimited(reply)


def push_unsubscribe(channel: str, why: Unsubscribed, /) -> bytes:
    """Tell a client that the server ended one of its subscriptions."""
    reply = _push(channel)
    reply.push.unsubscribe.code, reply.push.unsubscribe.reason = why
    return _delimited(reply)


def push_membership(kind: str, channel: str, info: bytes, /) -> bytes:
    """Tell a client that somebody came to the channel (*kind* ``join``) or went (``leave``)."""
    reply = _push(channel)
    _write_info(getattr(reply.push, kind).info, info)
    return _delimited(reply)


def push_refresh(ttl: int, /) -> bytes:
    """Tell a client that its connection now runs out in *ttl* seconds, 0 for never."""
    reply = schema.Reply()
    reply.push.refresh.SetInParent()
    reply.push.refresh.expires, reply.push.refresh.ttl = bool(ttl), ttl
    return _delimited(reply)


def push_message(data: bytes, /) -> bytes:
    """Tell a client something (JSON) that belongs to no channel."""
    reply = schema.Reply()
    reply.push.message.data = data
    return _delimited(reply)


def push_disconnect(why: Disconnect, /) -> bytes:
    """Tell a client on an HTTP transport why its connection ends."""
    reply = schema.Reply()
    reply.push.disconnect.code, reply.push.disconnect.reason = why
    return _delimited(reply)


def _push(channel: str) -> Any:
    reply = schema.Reply()
    reply.push.channel = channel
    return reply


def _delimited(message: Any) -> bytes:
    body: bytes = message.SerializeToString()
    length, head = len(body), bytearray()
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _write_publication(pub: Any, publication: Publication) -> None:
    pub.data, pub.offset = publication.data, publication.offset
    if publication.info:
        _write_info(pub.info, publication.info)
    if publication.tags:
        pub.tags.update(tags_of(publication))


def _write_info(info: Any, text: bytes) -> None:
    info.SetInParent()
    try:
        known = _info_decoder.decode(text)
    except msgspec.ValidationError:  # nothing of ours writes such a one
        return
    info.user, info.client = known.user, known.client
    info.conn_info, info.chan_info = bytes(known.conn_info), bytes(known.chan_info)


def _write_publications(pubs: Any, told: results.Publications) -> None:
    for publication in told.told:
        _write_publication(pubs.add(), publication)


def _write_connect(answer: Any, result: results.ConnectResult) -> None:
    answer.client, answer.version, answer.ping, answer.pong = result.client, result.version, result.ping, result.pong
    answer.time, answer.session, answer.node = result.time, result.session, result.node
    answer.expires, answer.ttl = result.expires, result.ttl
    for channel, sub in result.subs.items():
        _write_subscribe(answer.subs[channel], sub)


def _write_subscribe(answer: Any, result: results.SubscribeResult) -> None:
    answer.recoverable, answer.positioned = result.recoverable, result.positioned
    answer.epoch, answer.offset = result.epoch, result.offset
    answer.was_recovering, answer.recovered = result.was_recovering, result.recovered
    answer.expires, answer.ttl = result.expires, result.ttl
    answer.delta, answer.data = result.delta, bytes(result.data)
    _write_publications(answer.publications, result.publications)


def _write_refresh(answer: Any, result: results.RefreshResult) -> None:
    answer.client, answer.version, answer.expires, answer.ttl = msgspec.structs.astuple(result)


def _write_sub_refresh(answer: Any, result: results.SubRefreshResult) -> None:
    answer.expires, answer.ttl = result.expires, result.ttl


def _write_history(answer: Any, result: results.HistoryResult) -> None:
    answer.epoch, answer.offset = result.epoch, result.offset
    _write_publications(answer.publications, result.publications)


def _write_presence(answer: Any, result: results.PresenceResult) -> None:
    for client, info in result.presence.items():
        _write_info(answer.presence[client], bytes(info))


def _write_stats(answer: Any, result: results.PresenceStats) -> None:
    answer.num_clients, answer.num_users = result.num_clients, result.num_users


_WRITERS: dict[type[Any], Callable[[Any, Any], None]] = {
    results.ConnectResult: _write_connect,
    results.SubscribeResult: _write_subscribe,
    results.RefreshResult: _write_refresh,
    results.SubRefreshResult: _write_sub_refresh,
    results.HistoryResult: _write_history,
    results.PresenceResult: _write_presence,
    results.PresenceStats: _write_stats,
}
