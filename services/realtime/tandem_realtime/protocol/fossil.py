"""
Deltas in Fossil's format: how the next publication differs from the one before. No I/O here.

A delta is the length of the target and a line feed, then commands that build it from left to right, then its checksum
and a semicolon. ``4@A,`` copies 4 bytes of the source from its byte 10 on, ``3:abc`` inserts 3 bytes. Numbers are
written in base 64 with digits of Fossil's own (https://fossil-scm.org/home/doc/trunk/www/delta_format.wiki).
"""

from __future__ import annotations

import sys
from array import array

MAX_BYTES = 64 * 1024
"""A longer target or source is not compared: to look for what they share would hold up everything else."""

_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
# Source blocks start at every 16th byte, target blocks anywhere: what they share over 31 bytes is always found.
_BLOCK = 16
_MIN_COPY = 8
_GALLOP = 64


def delta(source: bytes, target: bytes) -> bytes | None:
    """
    Return what makes *target* of *source*, or None where that is not shorter than the target.

    What a delta inserts of a UTF-8 text is whole characters, so it stays a text that JSON can carry.
    """
    if max(len(source), len(target)) > MAX_BYTES:
        return None
    parts = [_number(len(target)), b"\n"]
    at = 0
    for start, end, origin in _copies(source, target):
        if start > at:
            parts += (_number(start - at), b":", target[at:start])
        parts += (_number(end - start), b"@", _number(origin), b",")
        at = end
    if at < len(target):
        parts += (_number(len(target) - at), b":", target[at:])
    parts += (_number(checksum(target)), b";")
    made = b"".join(parts)
    return made if len(made) < len(target) else None


def checksum(data: bytes) -> int:
    """Return the sum of *data* as big-endian words of 32 bits, zeros behind it up to a whole one, modulo 2**32."""
    words = array("I", data + bytes(-len(data) % 4))
    if sys.byteorder == "little":
        words.byteswap()
    return sum(words) & 0xFFFFFFFF


def _copies(source: bytes, target: bytes) -> list[tuple[int, int, int]]:
    """Return the parts of *target* that *source* has too: where each starts and ends, and where it is in *source*."""
    head = _whole_characters(target, 0, _common_prefix(source, 0, target, 0), 0)
    tail = _common_suffix(source, target, len(target) - head[1])
    end = len(target) - tail
    last = _whole_characters(target, end, len(target), len(source) - tail)
    found = [head] if _is_worthwhile(head) else []
    found += _copies_between(source, target, head[1] if found else 0, last[0])
    return [*found, last] if _is_worthwhile(last) else found


def _copies_between(source: bytes, target: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    blocks: dict[bytes, int] = {}
    if end - start >= _BLOCK:
        for origin in range(0, len(source) - _BLOCK + 1, _BLOCK):
            blocks.setdefault(source[origin : origin + _BLOCK], origin)
    found: list[tuple[int, int, int]] = []
    at = scan = start
    while scan + _BLOCK <= end:
        known = blocks.get(target[scan : scan + _BLOCK])
        if known is None:
            scan += 1
            continue
        back = _common_before(source, known, target, scan, scan - at)
        length = min(_common_prefix(source, known, target, scan), end - scan)
        copy = _whole_characters(target, scan - back, scan + length, known - back)
        scan += length
        if _is_worthwhile(copy):
            found.append(copy)
            at = scan = copy[1]
    return found


def _is_worthwhile(copy: tuple[int, int, int]) -> bool:
    return copy[1] - copy[0] >= _MIN_COPY


def _whole_characters(target: bytes, start: int, end: int, origin: int) -> tuple[int, int, int]:
    """Make what is copied begin and end where a character does, so that what is inserted does too."""
    while start < end and _is_inside(target, start):
        start, origin = start + 1, origin + 1
    while start < end and _is_inside(target, end):
        end -= 1
    return start, end, origin


def _is_inside(text: bytes, at: int) -> bool:
    """Tell whether a character of UTF-8 goes on at *at* (RFC 3629, section 3)."""
    return at < len(text) and text[at] & 0xC0 == 0x80


def _common_prefix(source: bytes, origin: int, target: bytes, start: int) -> int:
    """Return how far *source* from *origin* on and *target* from *start* on are equal."""
    most, length, step = min(len(source) - origin, len(target) - start), 0, _GALLOP
    is_galloping = True
    while step and length < most:
        step = min(step, most - length)
        if source[origin + length : origin + length + step] == target[start + length : start + length + step]:
            length += step
        else:
            is_galloping = False
        step = 2 * step if is_galloping else step // 2
    return length


def _common_suffix(source: bytes, target: bytes, most: int) -> int:
    return min(_common_prefix(source[::-1], 0, target[::-1], 0), most, len(source))


def _common_before(source: bytes, origin: int, target: bytes, start: int, most: int) -> int:
    length = 0
    most = min(most, origin)
    while length < most and source[origin - length - 1] == target[start - length - 1]:
        length += 1
    return length


def _number(value: int) -> bytes:
    digits = bytearray()
    while value >= 64:
        digits.append(_DIGITS[value & 63])
        value >>= 6
    digits.append(_DIGITS[value])
    digits.reverse()
    return bytes(digits)
