"""Names of channels that nobody publishes to: a new one for each question."""

from __future__ import annotations

import secrets

from rig.adversary.scripts import ANSWER, Aim, Pause, Script, command, commands, opened

PER_SOCKET = 128


def subscribed(aim: Aim) -> Script:
    """Subscribe to as many as a socket may, leave, and come back."""
    yield from opened(aim)
    names = [f"public:{secrets.token_hex(40)}" for _ in range(PER_SOCKET)]
    yield commands(*(command(number, subscribe={"channel": name}) for number, name in enumerate(names, 2)))
    yield Pause(0.1)


def polled(aim: Aim) -> Script:
    """Poll one, and not wait for what comes."""
    while True:
        name = f"public:{secrets.token_hex(40)}"
        yield f"GET /ws/poll/?channel={name} HTTP/1.1\r\nHost: {aim.host}\r\n\r\n".encode()
        yield ANSWER


def streamed(aim: Aim) -> Script:
    """Open an event stream of one."""
    name = f"public:{secrets.token_hex(40)}"
    yield f"GET /ws/sse/?channel={name} HTTP/1.1\r\nHost: {aim.host}\r\n\r\n".encode()
    yield ANSWER
