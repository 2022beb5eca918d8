"""Slow is who takes nothing, not who is owed much; and all together are owed no more than the process can afford."""

from __future__ import annotations

import asyncio

from tandem_realtime.server.backlog import Backlog


class Reader:
    """Somebody for whom something waits."""

    def __init__(self, buffered: int, *, limit: int = 0) -> None:
        self.buffered = buffered
        self.limit = limit
        self.taken = 0
        self.is_ended = False

    @property
    def excess(self) -> int:
        """What waits beyond its limit."""
        return self.buffered - self.limit

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


async def test_what_waits_within_the_limit_of_one_counts_for_all() -> None:
    """Many who are each owed little are too much together; the first who waited goes."""
    backlog = Backlog(asyncio.get_running_loop(), seconds=10, budget=100)
    readers = [Reader(size, limit=1000) for size in (30, 20, 40, 30)]
    for each in readers:
        backlog.add(each, each.buffered)

    assert [each.is_ended for each in readers] == [True, False, False, False]
    for each in readers:
        backlog.discard(each)


async def test_what_waits_is_told_as_it_is() -> None:
    """Whoever took something without a word."""
    backlog = Backlog(asyncio.get_running_loop(), seconds=10, budget=100)
    readers = [Reader(size, limit=1000) for size in (30, 20)]
    for each in readers:
        backlog.add(each, each.buffered)
    readers[0].buffered -= 25

    assert backlog.buffered == 25
    for each in readers:
        backlog.discard(each)


async def test_who_takes_something_is_the_last_to_go() -> None:
    """However much it is owed."""
    backlog = Backlog(asyncio.get_running_loop(), seconds=10, budget=100)
    reading, stalled, new = Reader(60), Reader(30), Reader(40)
    backlog.add(reading, 60)
    backlog.add(stalled, 30)
    await asyncio.sleep(0.05)
    reading.taken += 1
    backlog.add(new, 40)

    assert [each.is_ended for each in (reading, stalled, new)] == [False, True, False]
    for each in (reading, new):
        backlog.discard(each)


async def test_what_was_taken_makes_room() -> None:
    """It no longer counts, nor does what nobody waits for any more."""
    backlog = Backlog(asyncio.get_running_loop(), seconds=10, budget=100)
    one, another = Reader(60), Reader(80)
    backlog.add(one, 60)
    one.buffered, one.taken = 10, 50
    backlog.took(50)
    backlog.add(another, 80)
    backlog.discard(one)
    backlog.add(third := Reader(20), 20)

    assert [each.is_ended for each in (one, another, third)] == [False] * 3
    for each in (another, third):
        backlog.discard(each)
