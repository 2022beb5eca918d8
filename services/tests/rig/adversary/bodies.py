"""Bodies: without an end, or one byte at a time."""

from __future__ import annotations

from rig.adversary.scripts import BLOCK_BYTES, Aim, Pause, Script

DRIP_SECONDS = 0.1
_CHUNK = b"%x\r\n" % BLOCK_BYTES + b"x" * BLOCK_BYTES + b"\r\n"


def _head(aim: Aim, path: str, *headers: str) -> bytes:
    lines = (f"POST {path} HTTP/1.1", f"Host: {aim.host}", "Content-Type: application/json", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _path(aim: Aim) -> str:
    return ("/ws/http_stream", "/ws/emulation", "/ws", "/ws/nowhere")[aim.number % 4]


def endless(aim: Aim) -> Script:
    """Send a body in chunks, without end."""
    yield _head(aim, _path(aim), "Transfer-Encoding: chunked")
    while True:
        yield _CHUNK


def huge(aim: Aim) -> Script:
    """Announce a body of a terabyte, and send it."""
    yield _head(aim, _path(aim), f"Content-Length: {10**12}")
    while True:
        yield b"x" * BLOCK_BYTES


def dripped(aim: Aim) -> Script:
    """Announce a body, and send one byte at a time."""
    yield _head(aim, _path(aim), "Content-Length: 50000")
    while True:
        yield b"x"
        yield Pause(DRIP_SECONDS)
