"""Many at once: sockets that stay, sockets that come and go, and a room that is entered and left."""

from __future__ import annotations

import itertools

from loadgen.frames import handshake
from rig.adversary.scripts import ANSWER, STAY, Aim, Pause, Script, command, commands, opened

ROOM = "crowd:room"


def connections(aim: Aim) -> Script:
    """Connect, and stay."""
    yield from opened(aim)
    yield STAY


def churn(aim: Aim) -> Script:
    """Connect and go, again and again."""
    yield handshake(aim.host, "/ws/")
    yield ANSWER


def joins(aim: Aim) -> Script:
    """Enter and leave a crowded room."""
    yield from opened(aim)
    enter, leave = {"channel": ROOM}, {"channel": ROOM}
    for number in itertools.count(1):
        yield commands(command(number * 2, subscribe=enter), command(number * 2 + 1, unsubscribe=leave))
        yield Pause(0.05)


def members(aim: Aim) -> Script:
    """Enter the room, and ask who is there as often as one may."""
    yield from opened(aim)
    yield commands(command(2, subscribe={"channel": ROOM}))
    for number in itertools.count(3):
        yield commands(command(number, presence={"channel": ROOM}))
        yield Pause(0.05)


def arrivals(aim: Aim) -> Script:
    """Enter the room and be gone, each time as somebody else."""
    yield from opened(aim)
    yield commands(command(2, subscribe={"channel": ROOM}))
    yield ANSWER
    yield Pause(0.2)
