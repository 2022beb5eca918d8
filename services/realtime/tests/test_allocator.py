"""Memory that was much goes back to the kernel, whatever stays between it."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tandem_realtime.allocator import HOLES_BYTES, Holes

BLOCK_BYTES, KEPT_BYTES = 60_000, 5000


def resident_bytes() -> int:
    """Return the memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def filled(count: int) -> tuple[list[bytes], list[bytes]]:
    """Return so many blocks, and what lies between them."""
    blocks = [(bytes([number % 256]) * BLOCK_BYTES, bytes([number % 256]) * KEPT_BYTES) for number in range(count)]
    return [large for large, _ in blocks], [small for _, small in blocks]


@pytest.mark.parametrize(("count", "is_much"), [(1000, True), (HOLES_BYTES // BLOCK_BYTES // 2, False)])
def test_holes_go_back(count: int, *, is_much: bool) -> None:
    """A thousand publications of 60 KB leave nothing, though a little lies between them; a few are worth no call."""
    holes = Holes()
    waiting, kept = filled(count)
    holes.look()
    before = resident_bytes()
    waiting.clear()
    holes.look()

    assert (before - resident_bytes() > count * BLOCK_BYTES * 0.8) == is_much
    assert len(kept) == count
