"""What the server says: replies and pushes as JSON text, zero values left out as the protocol does."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from tandem.publication import Position, Publication
from tandem_realtime.protocol.codes import Disconnect, Error, Unsubscribed

PING = b"{}"


class ConnectResult(msgspec.Struct, omit_defaults=True):
    """The answer to connect. `ttl` and `ping` are seconds, `time` milliseconds since 1970."""

    client: str
    version: str
    ping: int
    pong: bool
    time: int
    session: str = ""
    node: str = ""
    expires: bool = False
    ttl: int = 0
    subs: dict[str, SubscribeResult] = {}


class SubscribeResult(msgspec.Struct, omit_defaults=True):
    """The answer to subscribe."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    was_recovering: bool = False
    recovered: bool = False
    expires: bool = False
    ttl: int = 0
    publications: list[msgspec.Raw] = []


class SubscribePush(msgspec.Struct, omit_defaults=True):
    """A channel that the server gives to a client."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    data: msgspec.Raw | None = None


class ClientInfo(msgspec.Struct, omit_defaults=True):
    """Who a client is, as presence, join, leave and its own publications show it."""

    user: str
    client: str
    conn_info: msgspec.Raw | None = None
    chan_info: msgspec.Raw | None = None


def encode_reply(id: int, method: str, result: Any) -> bytes:
    """Encode the answer to the command *id*."""
    return b'{"id":%d,"%s":%s}' % (id, method.encode(), msgspec.json.encode(result))


def encode_error(id: int, error: Error) -> bytes:
    """Encode the failure of the command *id*."""
    temporary = b',"temporary":true' if error.temporary else b""
    return b'{"id":%d,"error":{"code":%d,"message":%s%s}}' % (id, error.code, json_string(error.message), temporary)


@lru_cache(maxsize=4096)
def json_string(text: str) -> bytes:
    """Encode *text* as a JSON string."""
    return msgspec.json.encode(text)


def encode_publication(publication: Publication) -> bytes:
    """Encode a publication as it stands in pushes, subscribe replies and history."""
    return b'{"data":%b%b}' % (publication.data, _attributes(publication))


def _attributes(publication: Publication) -> bytes:
    text = b',"offset":%d' % publication.offset if publication.offset else b""
    if publication.info:
        text += b',"info":' + publication.info
    if publication.tags:
        text += b',"tags":' + publication.tags
    return text


def raw_publications(publications: Iterable[Publication]) -> list[msgspec.Raw]:
    """Encode publications to stand inside a reply."""
    return [msgspec.Raw(encode_publication(publication)) for publication in publications]


def push_publication(publication: Publication) -> bytes:
    """Encode the push of a publication to a client that speaks the protocol."""
    head = json_string(publication.channel)
    return b'{"push":{"channel":%b,"pub":{"data":%b%b}}}' % (head, publication.data, _attributes(publication))


def push_raw_publication(channel: str, publication: msgspec.Raw) -> bytes:
    """Encode the push of a publication that was encoded for a reply."""
    return b'{"push":{"channel":%s,"pub":%s}}' % (json_string(channel), bytes(publication))


def push_subscribe(channel: str, result: SubscribeResult, data: bytes) -> bytes:
    """Tell a client that the server subscribed it; *data* is a JSON text for it."""
    news = SubscribePush(
        result.recoverable, result.positioned, result.epoch, result.offset, msgspec.Raw(data) if data else None
    )
    return b'{"push":{"channel":%s,"subscribe":%s}}' % (json_string(channel), msgspec.json.encode(news))


def push_plain(publication: Publication) -> bytes:
    """Encode a publication for a page without an SDK: one object with channel, data, offset and epoch."""
    position = b',"offset":%d,"epoch":%s' % (publication.offset, json_string(publication.epoch))
    tags = b',"tags":' + publication.tags if publication.tags else b""
    head = b'{"channel":%s,"data":%s' % (json_string(publication.channel), publication.data)
    return head + (position if publication.offset else b"") + tags + b"}"


def push_lost(channel: str, position: Position) -> bytes:
    """Tell a page without an SDK that it has to reload: what it missed cannot be told."""
    where = (json_string(channel), json_string(position.epoch), position.offset)
    return b'{"channel":%s,"recovered":false,"epoch":%s,"offset":%d}' % where


def push_unsubscribe(channel: str, why: Unsubscribed) -> bytes:
    """Tell a client that the server ended one of its subscriptions."""
    reason = json_string(why.reason)
    return b'{"push":{"channel":%s,"unsubscribe":{"code":%d,"reason":%s}}}' % (json_string(channel), why.code, reason)


def push_membership(kind: str, channel: str, info: bytes) -> bytes:
    """Tell a client that somebody came to the channel (*kind* ``join``) or went (``leave``)."""
    return b'{"push":{"channel":%s,"%s":{"info":%s}}}' % (json_string(channel), kind.encode(), info)


def push_disconnect(why: Disconnect) -> bytes:
    """Tell a client on an HTTP transport why its connection ends."""
    return b'{"push":{"disconnect":{"code":%d,"reason":%s}}}' % (why.code, json_string(why.reason))
