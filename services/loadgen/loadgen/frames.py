"""The bytes of RFC 6455 that a generator sends and receives. No I/O here."""

from __future__ import annotations

import struct

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
HANDSHAKE_END = b"\r\n\r\n"

# Any 16 bytes will do: the generator checks the status line, not the accept key.
_KEY = "dGFuZGVtLWxvYWRnZW4tMQ=="


class FrameError(ValueError):
    """The server sent bytes that no frame of this protocol starts with."""


def handshake(host: str, path: str, *, origin: str = "", subprotocol: str = "") -> bytes:
    """Return the request that opens a WebSocket at *path* (RFC 6455 section 4.1)."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {_KEY}",
        "Sec-WebSocket-Version: 13",
    ]
    if origin:
        lines.append(f"Origin: {origin}")
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return "\r\n".join(lines).encode("ascii") + HANDSHAKE_END


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """
    Return one whole masked frame.

    The mask is zero: legal for a client (RFC 6455 section 5.3 asks only browsers for an unpredictable one), and the
    payload is then its own masked form, so that a frame can be built once and sent by every client.
    """
    return _header(opcode, len(payload), 0x80) + b"\0\0\0\0" + payload


def server_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one whole unmasked frame, as a server sends it."""
    return _header(opcode, len(payload), 0) + payload


def _header(opcode: int, length: int, mask_bit: int) -> bytes:
    if length < 126:
        return struct.pack("!BB", 0x80 | opcode, mask_bit | length)
    if length < 65536:
        return struct.pack("!BBH", 0x80 | opcode, mask_bit | 126, length)
    return struct.pack("!BBQ", 0x80 | opcode, mask_bit | 127, length)


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """
    Cut *data* into whole unmasked frames; return `(opcode, payload)` of each, and the bytes left over.

    Fragmented messages and extensions are refused: the generator asks for neither.
    """
    frames: list[tuple[int, bytes]] = []
    position, size = 0, len(data)
    while size - position >= 2:
        first, length = data[position], data[position + 1]
        if first & 0xF0 != 0x80 or length & 0x80:
            raise FrameError(f"expected a whole unmasked frame, got {data[position : position + 2]!r}")
        start = position + 2
        if length >= 126:
            width = 2 if length == 126 else 8
            if size - start < width:
                break
            length = int.from_bytes(data[start : start + width], "big")
            start += width
        if size - start < length:
            break
        position = start + length
        frames.append((first & 0x0F, data[start:position]))
    return frames, data[position:]


def close_reason(payload: bytes) -> tuple[int, str]:
    """Return code and reason of a close frame's payload; 1005 if it has none (RFC 6455 section 7.1.5)."""
    if len(payload) < 2:
        return 1005, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
