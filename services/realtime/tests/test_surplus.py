"""What is too much for one turn of the event loop."""

from __future__ import annotations

import asyncio

from tandem_realtime.surplus import Surplus


async def test_one_piece_a_turn_in_order() -> None:
    """Others are served between any two."""
    surplus, done = Surplus(), list[str]()
    for name in "abc":
        surplus.add(lambda name=name: done.append(name))
    for _ in range(3):
        await asyncio.sleep(0)
        done.append("another")

    assert done == ["a", "another", "b", "another", "c", "another"]


async def test_cancelled_piece_is_not_done() -> None:
    """Nor does it hold up the next."""
    surplus, done = Surplus(), list[int]()
    surplus.add(lambda: done.append(1)).cancel()
    surplus.add(lambda: done.append(2))
    await asyncio.wait_for(surplus.turn(), 1)

    assert done == [2]


async def test_piece_may_add_another_and_fail() -> None:
    """What is added meanwhile is done; a failure is that piece's alone."""
    surplus, done = Surplus(), list[int]()
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["exception"]))

    def fail() -> None:
        surplus.add(lambda: done.append(1))
        raise RuntimeError

    surplus.add(fail)
    for _ in range(4):
        await asyncio.sleep(0)

    assert done == [1]
    assert len(failures) == 1
