"""Frames from server to client: unmasked, uncompressed, whole messages (RFC 6455, section 5.2). No I/O here."""

from __future__ import annotations

import struct

from websockets.exceptions import ProtocolError
from websockets.frames import Close

_TEXT, _BINARY, _CLOSE, _PONG = 0x81, 0x82, 0x88, 0x8A


def text_frame(text: bytes) -> bytes:
    """Return the bytes of one text frame. *text* must be UTF-8; nobody checks."""
    return _frame(_TEXT, text)


def binary_frame(payload: bytes) -> bytes:
    """Return the bytes of one binary frame."""
    return _frame(_BINARY, payload)


def text_head(length: int) -> bytes:
    """Return what stands before a text of *length* bytes in a frame of its own."""
    return _head(_TEXT, length)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping with this payload."""
    return _frame(_PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """
    Return the bytes of one close frame; a reason over 123 bytes is cut.

    1005, no status, gives the empty frame that it stands for. Raises `ValueError` for a code that must not be sent.
    """
    if code == 1005:
        return _frame(_CLOSE, b"")
    reason = reason.encode()[:123].decode(errors="ignore")
    try:
        return _frame(_CLOSE, Close(code, reason).serialize())
    except ProtocolError as error:
        raise ValueError(f"close code {code} must not be sent (RFC 6455, section 7.4)") from error


def echo_frame(payload: bytes) -> bytes:
    """Return the close frame that answers a close frame with this payload."""
    return _frame(_CLOSE, payload)


def _frame(kind: int, payload: bytes) -> bytes:
    return _head(kind, len(payload)) + payload


def _head(kind: int, length: int) -> bytes:
    if length < 126:
        return bytes((kind, length))
    if length < 65_536:
        return struct.pack("!BBH", kind, 126, length)
    return struct.pack("!BBQ", kind, 127, length)
