"""What is too much for one turn of the event loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from tandem_realtime.surplus import Surplus, surplus_of
from tandem_realtime.turn import TURN_SECONDS, timed_loop, turn_of


@pytest.fixture
async def surplus() -> Surplus:
    """An empty one."""
    return Surplus(asyncio.get_running_loop())


async def others(done: list[str], times: int) -> None:
    """Be served in so many turns."""
    for _ in range(times):
        await asyncio.sleep(0)
        done.append("another")


async def test_long_pieces_are_done_one_a_turn_in_order(surplus: Surplus) -> None:
    """Others are served between any two."""
    done: list[str] = []

    def take_long(name: str) -> None:
        time.sleep(TURN_SECONDS * 1.1)
        done.append(name)

    for name in "abc":
        surplus.add(lambda name=name: take_long(name))
    await others(done, 3)

    assert done == ["a", "another", "b", "another", "c", "another"]


async def test_short_pieces_share_a_turn(surplus: Surplus) -> None:
    """To look for others costs as much as they do."""
    done: list[str] = []
    for name in "abc":
        surplus.add(lambda name=name: done.append(name))
    await others(done, 1)

    assert done == ["a", "b", "c", "another"]


async def test_tasks_have_their_turn_one_after_the_other(surplus: Surplus) -> None:
    """What one of them does is done before the next one is let go."""
    done: list[str] = []

    async def work(name: str) -> None:
        await surplus.turn()
        done.append(name)

    await asyncio.gather(*(work(name) for name in "abc"), others(done, 6))

    assert [name for name in done if name != "another"] == ["a", "b", "c"]
    assert "another" in done[done.index("a") : done.index("b")]


async def test_task_that_ends_meanwhile_gives_its_turn_away(surplus: Surplus) -> None:
    """The next one does not wait for it."""
    first = asyncio.create_task(surplus.turn())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait_for(surplus.turn(), 20)

    assert first.cancelled()


def test_turn_is_over_when_it_has_lasted_too_long() -> None:
    """Of a loop that is timed as of any other; whoever asks in the next turn is told that there is time."""
    timed, other = timed_loop(), asyncio.new_event_loop()
    found = []
    for loop in (timed, other):

        async def ask() -> list[bool]:
            turn = turn_of(asyncio.get_running_loop())
            answers = [turn.is_over()]
            time.sleep(TURN_SECONDS * 1.1)  # noqa: ASYNC251 - the work that takes too long
            answers.append(turn.is_over())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return [*answers, turn.is_over()]

        found.append(loop.run_until_complete(ask()))
        loop.close()

    assert found == [[False, True, False]] * 2


async def test_server_and_sessions_share_one() -> None:
    """What each of two did in its turn would be twice as long."""
    loop = asyncio.get_running_loop()

    assert surplus_of(loop) is surplus_of(loop)


async def test_cancelled_piece_is_not_done(surplus: Surplus) -> None:
    """Nor does it hold up the next."""
    done: list[int] = []
    surplus.add(lambda: done.append(1)).cancel()
    surplus.add(lambda: done.append(2))
    await asyncio.wait_for(surplus.turn(), 20)

    assert done == [2]


async def test_piece_may_add_another_and_fail(surplus: Surplus) -> None:
    """What is added meanwhile is done; a failure is that piece's alone."""
    done: list[int] = []
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
