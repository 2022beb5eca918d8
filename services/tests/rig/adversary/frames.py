"""Frames: those that carry no command, as small as they can be, and commands as fast as they can be sent."""

from __future__ import annotations

import itertools

from loadgen.frames import PING, PONG, TEXT, client_frame
from rig.adversary.scripts import Aim, Script, command, commands, opened, repeated

_EMPTY_FRAGMENT = b"\x00\x80\0\0\0\0"
_FIRST_FRAGMENT = b"\x01\x80\0\0\0\0"


def empty_fragments(aim: Aim) -> Script:
    """Begin one message, and never end it."""
    yield from opened(aim)
    yield _FIRST_FRAGMENT
    while True:
        yield repeated(_EMPTY_FRAGMENT)


def letters(aim: Aim) -> Script:
    """Send messages in fragments of one byte."""
    whole = b"".join((b"\x01\x81\0\0\0\0{", b"\x00\x81\0\0\0\0 " * 200, b"\x80\x81\0\0\0\0}"))
    yield from opened(aim)
    while True:
        yield repeated(whole)


def pings(aim: Aim) -> Script:
    """Ask for pongs."""
    yield from opened(aim)
    while True:
        yield repeated(client_frame(b"ping", PING))


def unasked_pongs(aim: Aim) -> Script:
    """Answer what nobody asked."""
    yield from opened(aim)
    while True:
        yield repeated(client_frame(b"", PONG))


def blank_lines(aim: Aim) -> Script:
    """Send frames of blank lines."""
    yield from opened(aim)
    while True:
        yield repeated(client_frame(b"\n\n\n\n", TEXT))


def blank_pages(aim: Aim) -> Script:
    """Send frames of very many blank lines."""
    yield from opened(aim)
    while True:
        yield client_frame(b"\n" * 60_000, TEXT)


def empty_objects(aim: Aim) -> Script:
    """Answer pings of the protocol that nobody sent."""
    yield from opened(aim)
    while True:
        yield repeated(client_frame(b"\n".join([b"{}"] * 1000), TEXT))


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
