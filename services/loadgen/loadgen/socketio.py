"""Socket.IO's events, as its server speaks them over a WebSocket: `messages`, for another protocol. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .messages import MARK, Seen, stamp_of

OPCODE = 0x1
SUBPROTOCOL = ""
PING = b"3"  # what answers a ping is a pong
# Packets of Engine.IO (4: a message) and inside of them of Socket.IO (0: connect, 2: event, 3: acknowledgement).
_PING, _CONNECT, _EVENT, _ACKNOWLEDGED, _REFUSED = b"2", b"40", b"42", b"43", b"44"


def split(payload: bytes) -> Iterator[bytes]:
    """Return the messages of a frame: there is one."""
    return iter([payload])


def is_ping(message: bytes) -> bool:
    """Tell whether *message* is the server's ping."""
    return message == _PING


def is_publication(message: bytes) -> bool:
    """Tell whether *message* is an event."""
    return message.startswith(_EVENT)


def is_one_publication(payload: bytes, *, bare: bool) -> bool:
    """Tell whether *payload* is one stamped publication and nothing else."""
    return payload.count(MARK) == 1 and is_publication(payload)


def read(message: bytes) -> Seen:
    """Find stamp and number in an event; there are no offsets."""
    return stamp_of(message, 0)


def reply(message: bytes) -> dict[str, Any]:
    """Return what of a reply the generator reads, as the Centrifuge protocol has it; {} for Engine.IO's own."""
    if message.startswith(_REFUSED):
        return {"error": {"code": 0, "message": message.decode()}}
    if message.startswith(_CONNECT):
        return {"connect": {}}
    return {"subscribe": {}} if message.startswith(_ACKNOWLEDGED) else {}


def connect(token: str = "") -> bytes:
    """Return what connects to the main namespace."""
    return _CONNECT + (json.dumps({"token": token}).encode() if token else b"")


def subscribe(channel: str, *, epoch: str | None = None, offset: int = 0) -> bytes:
    """Return the event that asks `node/socketio.mjs` for a room, to be acknowledged; it keeps no positions."""
    return _EVENT + b"1" + json.dumps(["join", channel], separators=(",", ":")).encode()
