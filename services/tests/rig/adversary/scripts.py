"""What a hostile socket does, as a generator: the words in which every family of attack is written. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from loadgen.frames import TEXT, client_frame, handshake

BLOCK_BYTES = 60_000
"""About how much one write of a flood carries."""


class Pause(NamedTuple):
    """Do nothing for so many seconds."""

    seconds: float


ANSWER: Final = Pause(-1)
"""Wait until the server says something."""

STAY: Final = Pause(3600)
"""Do nothing any more, but stay."""

Script = Generator[bytes | Pause, None, None]
"""Bytes to send, and pauses. When it ends the socket is closed, and begins again as another one."""


class Aim(NamedTuple):
    """Whom a socket attacks, and the how manieth it is."""

    host: str
    number: int


@dataclass(frozen=True)
class Attack:
    """
    A *script*, played on so many *sockets* at once.

    The short form plays it on *few*, or leaves it out. Sockets that do not *read* leave what comes to the kernel. For
    *kept* more seconds Redis knows who was there, as it is meant to.
    """

    name: str
    script: Callable[[Aim], Script]
    sockets: int = 1
    few: int = 0
    reads: bool = True
    kept: float = 0


def command(number: int, **said: Any) -> bytes:
    """Return one command, a line."""
    return json.dumps({"id": number, **said}, separators=(",", ":")).encode()


def commands(*lines: bytes) -> bytes:
    """Return a frame of commands."""
    return client_frame(b"\n".join(lines), TEXT)


def opened(aim: Aim) -> Script:
    """Open a WebSocket and connect as nobody."""
    yield handshake(aim.host, "/ws/")
    yield ANSWER
    yield commands(command(1, connect={}))
    yield ANSWER


def repeated(frame: bytes) -> bytes:
    """Return *frame* as often as fits into one block."""
    return frame * max(1, BLOCK_BYTES // len(frame))
