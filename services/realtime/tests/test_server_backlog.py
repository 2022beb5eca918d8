"""Slow is who takes nothing, not who is owed much."""

from __future__ import annotations

import asyncio

from tandem_realtime.server.backlog import Backlog


class Reader:
    """Somebody for whom something waits."""

    def __init__(self, excess: int) -> None:
        self.excess = excess
        self.taken = 0
        self.is_ended = False

    def overflowed(self) -> None:
        """Be ended."""
        self.is_ended = True


async def test_who_takes_nothing_is_ended_and_who_reads_stays() -> None:
    """However large what waits for it."""
    backlog = Backlog(asyncio.get_running_loop(), seconds=0.2, budget=10**9)
    reading, stalled, done = Reader(10**8), Reader(10), Reader(0)
    for each in (reading, stalled, done):
        backlog.add(each, 10)
    for _ in range(12):
        await asyncio.sleep(0.05)
        reading.taken += 1

    assert [each.is_ended for each in (reading, stalled, done)] == [False, True, False]
    assert len(backlog) == 1
    backlog.discard(reading)


async def test_when_it_is_too_much_the_longest_behind_goes() -> None:
    """And the others stay."""
    backlog = Backlog(asyncio.get_running_loop(), seconds=10, budget=100)
    readers = [Reader(60), Reader(30), Reader(20)]
    for each in readers:
        backlog.add(each, each.excess)

    assert [each.is_ended for each in readers] == [True, False, False]
    for each in readers:
        backlog.discard(each)
