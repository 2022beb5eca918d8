"""How long a turn of the event loop has lasted: whoever has much to do asks, and leaves the rest for the next one."""

from __future__ import annotations

import asyncio
import random
import selectors
import time
import weakref
from typing import Any

TURN_SECONDS = 0.004
"""What all clients together may have done for them before others are looked at: publications, above all."""


class First:
    """Whose callbacks come in every turn: a crowd of its own, of which each has a part."""


_FIRST = asyncio.BaseTransport, asyncio.AbstractEventLoop, First
MOST_AT_ONCE = 128
"""How many of those that have something to say are heard in one turn."""


class Turn:
    """The present turn of a loop, which begins when it has looked what there is to do."""

    def __init__(self) -> None:
        self.began = 0.0

    def is_over(self) -> bool:
        """Tell whether it is the turn of others."""
        return time.monotonic() - self.began > TURN_SECONDS


class TurnSelector(selectors.DefaultSelector):
    """
    The selector of a loop whose turns are timed, and in which a crowd, ten thousand that leave at once, has many turns.

    What asyncio reads by itself, Redis above all, comes in each of them: no client is read in that way. So does
    what is `First`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.turn = Turn()
        self._first: set[int] = set()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Take note of what comes first."""
        key = super().register(fileobj, events, data)
        reader = data[0] if data else None
        if isinstance(getattr(getattr(reader, "_callback", None), "__self__", None), _FIRST):
            self._first.add(key.fd)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Forget it."""
        key = super().unregister(fileobj)
        self._first.discard(key.fd)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, then begin the next turn."""
        found = super().select(timeout)
        self.turn.began = time.monotonic()
        return found if len(found) <= MOST_AT_ONCE else self._some(found)

    def _some(self, found: list[tuple[selectors.SelectorKey, int]]) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what comes first of *found*, and some of the others: the rest will be found again."""
        first = [each for each in found if each[0].fd in self._first]
        start = random.randrange(len(found))
        some = (found[start:] + found[:start])[:MOST_AT_ONCE]
        return first + [each for each in some if each[0].fd not in self._first]


class UntimedTurn(Turn):
    """A turn of a loop that is not ours: it begins with the first question, and ends with the loop's next call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self._is_under_way = False

    def is_over(self) -> bool:
        """Tell whether it is the turn of others."""
        if self._is_under_way:
            return super().is_over()
        self._is_under_way = True
        self.began = time.monotonic()
        self._loop.call_soon(self._end)
        return False

    def _end(self) -> None:
        self._is_under_way = False


_turns: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = weakref.WeakKeyDictionary()


def timed_loop() -> asyncio.AbstractEventLoop:
    """Make a loop whose turns are timed."""
    selector = TurnSelector()
    loop = asyncio.SelectorEventLoop(selector)
    _turns[loop] = selector.turn
    return loop


def turn_of(loop: asyncio.AbstractEventLoop) -> Turn:
    """Return the turns of *loop*, whoever made it."""
    if loop not in _turns:
        _turns[loop] = UntimedTurn(loop)
    return _turns[loop]
