"""The protocol's commands and publications in Protobuf: `messages`, but binary. No I/O here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .messages import MARK, Seen, stamp_of

OPCODE = 0x2
SUBPROTOCOL = "centrifuge-protobuf"
PING = b"\0"

# Numbers of the protocol's fields: client.proto of centrifugal/protocol.
_ID, _CONNECT, _SUBSCRIBE, _PUBLISH = 1, 4, 5, 7
_ERROR, _PUSH, _CONNECTED, _SUBSCRIBED = 2, 4, 5, 6
_PUB, _UNSUBSCRIBED = 4, 7
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def split(payload: bytes) -> Iterator[bytes]:
    """Return the messages of a frame, each without its length."""
    at = 0
    while at < len(payload):
        length, at = _varint(payload, at)
        yield payload[at : at + length]
        at += length


def is_publication(message: bytes) -> bool:
    """Tell whether *message* is a push that carries a publication."""
    return MARK in message and bool(_inside(_inside(message, _PUSH), _PUB))


def is_one_publication(payload: bytes, *, bare: bool) -> bool:
    """Tell whether *payload* is one stamped publication and nothing else."""
    return payload.count(MARK) == 1 and sum(1 for _ in split(payload)) == 1 and is_publication(next(split(payload)))


def is_ping(message: bytes) -> bool:
    """Tell whether *message* is the server's ping."""
    return not message


def read(message: bytes) -> Seen:
    """Find stamp, number and offset in a push; the offset is 0 where there is none."""
    offset = _fields(_inside(_inside(message, _PUSH), _PUB)).get(6, 0)
    return stamp_of(message, offset)


def reply(message: bytes) -> dict[str, Any]:
    """Return what of a reply the generator reads, as JSON has it."""
    said = _fields(message)
    if _ERROR in said:
        error = _fields(said[_ERROR])
        return {"error": {"code": error.get(1, 0), "message": error.get(2, b"").decode()}}
    if _CONNECTED in said:
        return {"connect": {}}
    if _SUBSCRIBED in said:
        told = _fields(said[_SUBSCRIBED])
        publications = [{"offset": _fields(each).get(6, 0)} for number, each in _walk(said[_SUBSCRIBED]) if number == 7]
        position = {"epoch": told.get(6, b"").decode(), "offset": told.get(9, 0)}
        return {"subscribe": {**position, "recovered": bool(told.get(8)), "publications": publications}}
    return {"push": {"unsubscribe": {}}} if _UNSUBSCRIBED in _fields(said.get(_PUSH, b"")) else {}


def connect(token: str = "") -> bytes:
    """Return the connect command, id 1."""
    return _command(1, _CONNECT, _field(1, token.encode()) if token else b"")


def subscribe(channel: str, *, epoch: str | None = None, offset: int = 0) -> bytes:
    """Return the subscribe command, id 2; it asks for recovery when an *epoch* is given."""
    body = _field(1, channel.encode())
    if epoch is not None:
        body += _field(3, 1) + _field(6, epoch.encode()) + _field(7, offset)
    return _command(2, _SUBSCRIBE, body)


def _command(number: int, method: int, body: bytes) -> bytes:
    message = _field(_ID, number) + _field(method, body)
    return _number(len(message)) + message


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _number(number << 3 | _VARINT) + _number(value)
    return _number(number << 3 | _BYTES) + _number(len(value)) + value


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _inside(message: bytes, number: int) -> bytes:
    found: bytes = _fields(message).get(number, b"")
    return found


def _fields(message: bytes) -> dict[int, Any]:
    return dict(_walk(message))


def _walk(message: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
                yield tag >> 3, value
            case 2:
                length, at = _varint(message, at)
                yield tag >> 3, message[at : at + length]
                at += length
            case kind:
                at += {_FIXED64: 8, _FIXED32: 4}[kind]
