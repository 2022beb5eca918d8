"""Frames: those that carry no command, as small as they can be, and commands as fast as they can be sent."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from loadgen.frames import TEXT, client_frame
from rig.adversary.scripts import Aim, Script, command, commands, opened, repeated

EMPTY_FRAGMENT = b"\x00\x80\0\0\0\0"
FIRST_FRAGMENT = b"\x01\x80\0\0\0\0"
IN_LETTERS = b"".join((b"\x01\x81\0\0\0\0{", b"\x00\x81\0\0\0\0 " * 200, b"\x80\x81\0\0\0\0}"))
"""A message in fragments of one byte."""


def flood(frame: bytes, *, after: bytes = b"") -> Callable[[Aim], Script]:
    """Return an attack: connect, say what comes *after* that, then nothing but *frame*."""

    def script(aim: Aim) -> Script:
        yield from opened(aim)
        yield after
        while True:
            yield repeated(frame)

    return script


def text(payload: bytes) -> bytes:
    """Return a frame of text."""
    return client_frame(payload, TEXT)


def subscribes(aim: Aim) -> Script:
    """Subscribe to new channels, as fast as it goes."""
    yield from opened(aim)
    for number in itertools.count(2):
        name = f"public:{aim.number}.{number}"
        yield commands(
            *(command(number * 100 + each, subscribe={"channel": f"{name}.{each}"}) for each in range(100)),
            *(command(number * 100 + each, unsubscribe={"channel": f"{name}.{each}"}) for each in range(100)),
        )


def publishes(aim: Aim) -> Script:
    """Publish to a channel of one's own."""
    channel = f"public:own.{aim.number}"
    yield from opened(aim)
    yield commands(command(2, subscribe={"channel": channel}))
    for number in itertools.count(2):
        publish = {"channel": channel, "data": {"text": "x" * 400}}
        yield commands(*(command(number * 100 + each, publish=publish) for each in range(100)))


def histories(aim: Aim) -> Script:
    """Ask for a large history again and again."""
    yield from opened(aim)
    yield commands(command(2, subscribe={"channel": "large:history"}))
    for number in itertools.count(3):
        yield commands(command(number, history={"channel": "large:history", "limit": 300}))
