"""The second of a process: what is done every so often is done in one turn of the event loop, at the same moments."""

from __future__ import annotations

import asyncio


async def next_second(every: float = 1.0) -> None:
    """
    Wait for the next moment that is a multiple of *every* by the event loop's clock.

    To wake up costs a process that rests more than most of what it wakes up for, so whatever recurs wakes it together.
    """
    await asyncio.sleep(until_next(every, asyncio.get_running_loop().time()))


def until_next(every: float, now: float) -> float:
    """Return how long it is from *now* to the next multiple of *every*, which is never now itself."""
    return every - now % every
