"""Carry out a delta in Fossil's format, as a client does."""

from __future__ import annotations

from tandem_realtime.protocol.fossil import checksum

DIGITS = {
    digit: value for value, digit in enumerate(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~")
}


def apply(source: bytes, delta: bytes) -> bytes:
    """Return what *delta* makes of *source*. Raises `ValueError` for a delta that is not whole, or not of *source*."""
    length, at = _number(delta, 0)
    at = _expect(delta, at, b"\n")
    made = bytearray()
    while True:
        number, at = _number(delta, at)
        if delta[at : at + 1] == b"@":
            origin, at = _number(delta, at + 1)
            at = _expect(delta, at, b",")
            if origin + number > len(source):
                raise ValueError("a copy of what is not there")
            made += source[origin : origin + number]
        elif delta[at : at + 1] == b":":
            made += delta[at + 1 : at + 1 + number]
            at += 1 + number
        else:
            _expect(delta, at, b";")
            break
    if len(made) != length or checksum(bytes(made)) != number:
        raise ValueError("the length or the checksum is another one")
    return bytes(made)


def _number(delta: bytes, at: int) -> tuple[int, int]:
    value, start = 0, at
    while at < len(delta) and delta[at] in DIGITS:
        value = value * 64 + DIGITS[delta[at]]
        at += 1
    if at == start:
        raise ValueError("a number is missing")
    return value, at


def _expect(delta: bytes, at: int, what: bytes) -> int:
    if delta[at : at + 1] != what:
        raise ValueError(f"{what!r} is missing")
    return at + 1
