"""Calls at a later time, for the swarm's loop."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable


class Timers:
    """A heap of callbacks by monotonic time."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = 0

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call *callback* in *seconds*."""
        self._sequence += 1
        heapq.heappush(self._heap, (time.monotonic_ns() + int(seconds * 1e9), self._sequence, callback))

    def wait(self, timeout: float) -> float:
        """Return how long to sleep: until the next callback, at most *timeout* seconds."""
        if not self._heap:
            return timeout
        return max(0.0, min(timeout, (self._heap[0][0] - time.monotonic_ns()) / 1e9))

    def run(self, now: int) -> None:
        """Call everything that is due at *now*, in nanoseconds."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
