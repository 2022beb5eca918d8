"""What recurs wakes a process together."""

import asyncio

import pytest

from tandem_realtime.second import next_second, until_next


@pytest.mark.parametrize(
    ("every", "now", "seconds"),
    [(1.0, 7.0, 1.0), (1.0, 7.25, 0.75), (0.25, 7.125, 0.125), (2.0, 7.5, 0.5), (1.0, 7.999, pytest.approx(0.001))],
)
def test_next_multiple_is_never_now(every: float, now: float, seconds: float) -> None:
    """Whoever is on time waits for the whole of it."""
    assert until_next(every, now) == seconds


async def test_those_who_began_apart_go_on_together() -> None:
    """In the same turn of the loop, wherever between two moments each came."""
    woken: list[float] = []

    async def wait() -> None:
        await next_second(0.2)
        woken.append(asyncio.get_running_loop().time())

    began = asyncio.get_running_loop().time()
    await asyncio.sleep(until_next(0.2, began))
    waiting = []
    for _ in range(3):
        waiting.append(asyncio.create_task(wait()))
        await asyncio.sleep(0.02)
    await asyncio.gather(*waiting)

    assert max(woken) - min(woken) < 0.01
    assert all(0 <= moment % 0.2 < 0.02 for moment in woken)
