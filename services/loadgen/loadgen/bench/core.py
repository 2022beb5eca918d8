"""
How fast the servers' core is just now.

The core of a virtual machine may be one of two hyperthreads. What strangers do on the other one takes up to two fifths
of it, for seconds on end, and no counter of the guest's tells: the same Python then costs 1.7 times the processor time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from loadgen.bench.contenders import SERVER_CORE, on_core

TOLERANCE = 1.15
LEARNING_LOOKS, MOST_LOOKS = 100, 200
REST_SECONDS = 0.05
_ENTRIES, _ROUNDS = 1_000, 20
_WORK = {number: str(number) for number in range(_ENTRIES)}


def look() -> float:
    """Return the microseconds that a piece of work takes on the servers' core, a thousand entries of a dict."""
    with on_core(SERVER_CORE):
        _work()  # in its caches
        spent = time.process_time_ns()
        for _ in range(_ROUNDS):
            _work()
        return (time.process_time_ns() - spent) / _ROUNDS / 1e3


def _work() -> None:
    work = _WORK
    for number in work:
        work[number] = work[number]


class Core:
    """Waits, before something is measured, until the core is about as fast as it ever was."""

    def __init__(self, look: Callable[[], float] = look) -> None:
        self._look = look
        self._best = math.inf

    def settle(self, rest: Callable[[float], object] = time.sleep) -> float:
        """
        Wait for it, *rest* being what to do for so many seconds meanwhile; return what `look` says.

        After ten seconds in vain the fastest that was seen in them is what is waited for from now on.
        """
        if math.isinf(self._best):
            self._best = min(self._look() for _ in range(LEARNING_LOOKS))
        fastest = math.inf
        for _ in range(MOST_LOOKS):
            slower = max(self._look(), self._look())
            self._best, fastest = min(self._best, slower), min(fastest, slower)
            if slower <= self._best * TOLERANCE:
                return slower
            rest(REST_SECONDS)
        self._best = fastest
        return fastest


CORE = Core()
"""The one of this run: how fast it can be is learned once."""
