"""How late the event loop runs: what every socket of this process feels at once."""

from __future__ import annotations

import asyncio

from tandem_realtime.observing import metrics
from tandem_realtime.second import until_next

INTERVAL_SECONDS = 0.25


class LagProbe:
    """A timer that asks to be run every INTERVAL_SECONDS and notes how late it was."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, interval: float = INTERVAL_SECONDS) -> None:
        self._loop = loop
        self._interval = interval
        self._wait(loop.time())

    def _tick(self) -> None:
        now = self._loop.time()
        metrics.event_loop_lag_seconds.observe(max(0.0, now - self._due))
        self._wait(now)

    def _wait(self, now: float) -> None:
        self._due = now + until_next(self._interval, now)
        self._timer = self._loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        """Cancel the timer."""
        self._timer.cancel()
