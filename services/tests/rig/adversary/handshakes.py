"""Requests that are no use to anybody: half of one, a dripped one, one with far too much in it, a forged one."""

from __future__ import annotations

import itertools

from loadgen.frames import handshake
from rig.adversary.scripts import ANSWER, STAY, Aim, Pause, Script, command, commands

DRIP_SECONDS = 0.1


def half_open(aim: Aim) -> Script:
    """Say half of a handshake, and wait."""
    yield handshake(aim.host, "/ws/")[:60]
    yield STAY


def silent(aim: Aim) -> Script:
    """Say nothing, and wait."""
    yield STAY
    yield b""


def dripped_headers(aim: Aim) -> Script:
    """Say one byte at a time, without end."""
    yield f"GET /ws/poll/?channel=public:a HTTP/1.1\r\nHost: {aim.host}\r\n".encode()
    for number in itertools.count():
        yield b"x-%d: y\r\n" % number
        yield Pause(DRIP_SECONDS)


def many_headers(aim: Aim) -> Script:
    """Send 500 headers with a handshake, and with a request."""
    extra = b"".join(b"x-header-%d: %d\r\n" % (number, number) for number in range(500))
    yield handshake(aim.host, "/ws/")[:-2] + extra + b"\r\n"
    yield ANSWER


def many_headers_of_a_request(aim: Aim) -> Script:
    """Send 500 headers with a request."""
    extra = b"".join(b"x-header-%d: %d\r\n" % (number, number) for number in range(500))
    yield b"GET /ws/poll/?channel=public:a HTTP/1.1\r\nHost: " + aim.host.encode() + b"\r\n" + extra + b"\r\n"
    yield ANSWER


def forged(aim: Aim) -> Script:
    """Say that somebody else asks, and that the application lives elsewhere."""
    for number in range(100):
        address = f"10.{number % 250}.{number // 250 % 250}.7"
        headers = (
            f"X-Forwarded-For: {address}",
            f"X-Real-IP: {address}",
            f"Forwarded: for={address};proto=https",
            "X-Forwarded-Proto: https",
            "X-Forwarded-Host: evil.example",
            "Daphne-Root-Path: /evil%0a",
        )
        head = f"GET /ws/poll/?channel=public:forged HTTP/1.1\r\nHost: {aim.host}\r\n" + "\r\n".join(headers)
        yield (head + "\r\n\r\n").encode()
        yield ANSWER


def unknown(aim: Aim) -> Script:
    """Ask for what there is not."""
    for number in range(100):
        yield f"GET /ws/nothing/{aim.number}/{number} HTTP/1.1\r\nHost: {aim.host}\r\n\r\n".encode()
        yield ANSWER


def refused(aim: Aim) -> Script:
    """Connect with a token that is none."""
    yield handshake(aim.host, "/ws/")
    yield ANSWER
    yield commands(command(1, connect={"token": f"ey{aim.number}.no.token"}))
    yield ANSWER
