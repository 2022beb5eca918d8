"""Coroutines that begin at once."""

from __future__ import annotations

import asyncio

import pytest

from tandem_realtime.eager import begin


async def test_what_does_not_wait_is_done_at_once() -> None:
    """No task is made, and nothing is left."""
    done = []

    async def work() -> None:
        done.append("all")

    assert begin(work()) is None
    assert done == ["all"]


async def test_what_has_to_wait_goes_on_in_a_task() -> None:
    """From where it stopped, however often it waits, with what it waited for."""
    future = asyncio.get_running_loop().create_future()
    said = []

    async def work() -> None:
        said.append("begun")
        said.append(await future)
        await asyncio.sleep(0)
        async with asyncio.timeout(1):  # which asks for a task
            await asyncio.sleep(0)
        said.append("done")

    rest = begin(work())
    assert said == ["begun"]
    assert rest is not None
    task = asyncio.create_task(rest)
    await asyncio.sleep(0)
    future.set_result("answer")
    await task

    assert said == ["begun", "answer", "done"]


async def test_cancellation_and_failure_are_the_works_own() -> None:
    """It hears of the first where it waits; what it raises ends the task, at the beginning whoever began it."""
    said = []

    async def work() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            said.append("cancelled")
            await asyncio.sleep(0)
            raise ValueError("of the work") from None

    async def broken() -> None:
        raise ValueError("at once")

    rest = begin(work())
    assert rest is not None
    task = asyncio.create_task(rest)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(ValueError, match="of the work"):
        await task
    with pytest.raises(ValueError, match="at once"):
        begin(broken())

    assert said == ["cancelled"]
