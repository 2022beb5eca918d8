"""The protocol in JSON: an object for each message. Zero values are left out, data goes through byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from tandem.publication import NOTHING, Publication
from tandem_realtime.protocol.codes import BAD_REQUEST, Disconnect, DisconnectClient, Error, Unsubscribed
from tandem_realtime.protocol.commands import Command
from tandem_realtime.protocol.results import NONE, Publications, SubscribeResult

PING = b"{}"

_decoder = msgspec.json.Decoder(Command)


class SubscribePush(msgspec.Struct, omit_defaults=True):
    """A channel that the server gives to a client."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    data: msgspec.Raw = NOTHING


def decode_frame(frame: bytes | str, /) -> Iterator[Command]:
    """
    Read the commands of a text frame, one per line.

    Raises `DisconnectClient` (3501) for what is not a command.
    """
    try:
        # What clients publish is passed on unread: bytes that are not UTF-8 would end the connections that they reach.
        text = frame if isinstance(frame, str) else frame.decode()
        for line in filter(None, text.split("\n")):
            if not line.isspace():
                yield _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise DisconnectClient(BAD_REQUEST) from error


def encode_reply(id: int, method: str, result: Any, /) -> bytes:
    """Encode the answer to the command *id*."""
    return b'{"id":%d,"%s":%s}' % (id, method.encode(), _encoder.encode(result))


def reply_pieces(id: int, method: str, result: Any, /) -> list[bytes]:
    """Encode the same in pieces: the data of each publication is one."""
    told: Publications = result.publications
    # Publications are what every answer ends with.
    rest = _encoder.encode(msgspec.structs.replace(result, publications=NONE))
    comma = b"," if len(rest) > len(b"{}") else b""
    pieces = [b'{"id":%d,"%s":%s%s"publications":[' % (id, method.encode(), rest[:-1], comma)]
    between = b'{"data":'
    for publication in told.told:
        pieces += (between, publication.data, _attributes(publication))
        between = b'},{"data":'
    return [*pieces, b"}]}}"]


def encode_error(id: int, error: Error, /) -> bytes:
    """Encode the failure of the command *id*."""
    temporary = b',"temporary":true' if error.temporary else b""
    return b'{"id":%d,"error":{"code":%d,"message":%s%s}}' % (id, error.code, json_string(error.message), temporary)


def json_string(text: str) -> bytes:
    """Encode *text* as a JSON string."""
    return msgspec.json.encode(text)


def encode_publication(publication: Publication) -> bytes:
    """Encode a publication as it stands in pushes, subscribe replies and history."""
    return b'{"data":%b%b}' % (publication.data, _attributes(publication))


def push_publication(publication: Publication, /) -> bytes:
    """Encode the push of a publication."""
    head = json_string(publication.channel)
    return b'{"push":{"channel":%b,"pub":{"data":%b%b}}}' % (head, publication.data, _attributes(publication))


def push_pieces(publication: Publication, /) -> list[bytes]:
    """Encode the same in pieces."""
    head = b'{"push":{"channel":%b,"pub":{"data":' % json_string(publication.channel)
    return [head, publication.data, _attributes(publication) + b"}}}"]


def push_whole(publication: Publication, /) -> bytes:
    """Encode the push of all of a publication to a subscription that takes deltas."""
    return b'{"push":{"channel":%b,"pub":%b}}' % (json_string(publication.channel), _encode_whole(publication))


def push_delta(publication: Publication, delta: bytes, /) -> bytes:
    """Encode the push of a publication as what differs from the one that the subscription had before."""
    head, text = json_string(publication.channel), msgspec.json.encode(delta.decode())
    return b'{"push":{"channel":%b,"pub":{"data":%b%b,"delta":true}}}' % (head, text, _attributes(publication))


def push_subscribe(channel: str, result: SubscribeResult, /) -> bytes:
    """Tell a client that the server subscribed it."""
    news = SubscribePush(result.recoverable, result.positioned, result.epoch, result.offset, result.data)
    return b'{"push":{"channel":%s,"subscribe":%s}}' % (json_string(channel), msgspec.json.encode(news))


def push_unsubscribe(channel: str, why: Unsubscribed, /) -> bytes:
    """Tell a client that the server ended one of its subscriptions."""
    reason = json_string(why.reason)
    return b'{"push":{"channel":%s,"unsubscribe":{"code":%d,"reason":%s}}}' % (json_string(channel), why.code, reason)


def push_membership(kind: str, channel: str, info: bytes, /) -> bytes:
    """Tell a client that somebody came to the channel (*kind* ``join``) or went (``leave``)."""
    return b'{"push":{"channel":%s,"%s":{"info":%s}}}' % (json_string(channel), kind.encode(), info)


def push_refresh(ttl: int, /) -> bytes:
    """Tell a client that its connection now runs out in *ttl* seconds, 0 for never."""
    return b'{"push":{"refresh":%s}}' % (b'{"expires":true,"ttl":%d}' % ttl if ttl else b"{}")


def push_message(data: bytes, /) -> bytes:
    """Tell a client something (JSON) that belongs to no channel."""
    return b'{"push":{"message":{"data":%s}}}' % data


def push_disconnect(why: Disconnect, /) -> bytes:
    """Tell a client on an HTTP transport why its connection ends."""
    return b'{"push":{"disconnect":{"code":%d,"reason":%s}}}' % (why.code, json_string(why.reason))


def _attributes(publication: Publication) -> bytes:
    text = b',"offset":%d' % publication.offset if publication.offset else b""
    if publication.info:
        text += b',"info":' + publication.info
    if publication.tags:
        text += b',"tags":' + publication.tags
    return text


def _encode_whole(publication: Publication) -> bytes:
    """Where deltas are taken, data is a string with a JSON text in it: a delta is no JSON value."""
    text = msgspec.json.encode(publication.data.decode())
    return b'{"data":%b%b}' % (text, _attributes(publication))


class _Encoder:
    """Encodes the publications of answers: of a crowd that has missed the same, once."""

    def __init__(self) -> None:
        self._last = NONE
        self._encoded = msgspec.Raw(b"[]")

    def encode(self, value: Any) -> msgspec.Raw:
        """Return the JSON array of *value*, which is what msgspec does not know: `Publications`."""
        if not isinstance(value, Publications):
            raise NotImplementedError(f"{type(value).__name__} is no part of an answer")
        if value.told != self._last.told or value.has_delta != self._last.has_delta:
            encode = _encode_whole if value.has_delta else encode_publication
            self._last, self._encoded = value, msgspec.Raw(b"[%b]" % b",".join(map(encode, value.told)))
        return self._encoded


_encoder = msgspec.json.Encoder(enc_hook=_Encoder().encode)
