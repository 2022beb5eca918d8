"""
Begin a coroutine at once, and make a task only of one that has to wait.

Python has it from 3.12 on: `asyncio.eager_task_factory`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any


def begin(work: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None] | None:
    """
    Run *work* up to where it has to wait, and return what is left of it, for a task to run; None if it is done.

    Up to there it runs in no task of its own, so it must not begin with what asks for one, as `asyncio.timeout` does.
    """
    try:
        waited_for = work.send(None)
    except StopIteration:
        return None
    return _rest(work, waited_for)


async def _rest(work: Coroutine[Any, Any, None], waited_for: Any) -> None:
    await _steps(work, waited_for)


@types.coroutine
def _steps(work: Coroutine[Any, Any, None], waited_for: Any) -> Generator[Any, None, None]:
    while True:
        step: Callable[[Any], Any] = work.send
        argument: BaseException | None = None
        try:
            yield waited_for
        except BaseException as error:  # a cancellation, above all: it is the work's affair
            step, argument = work.throw, error
        try:
            waited_for = step(argument)
        except StopIteration:
            return
