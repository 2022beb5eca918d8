"""Whether the generator itself was the bottleneck: its processor time, its wait for a processor, its own lag."""

from __future__ import annotations

import time
from pathlib import Path

from .histogram import Histogram

SATURATED = 0.9
_SCHEDSTAT = Path("/proc/self/schedstat")


class Saturation:
    """
    Watches this process while it measures.

    `peak` is the highest share, over any second, of time spent running or waiting to run. Beyond `SATURATED` the
    latencies say more about the generator than about the server.
    """

    def restart(self) -> None:
        """Forget what was seen so far."""
        self.turns = Histogram()
        self.peak = 0.0
        self._mark = time.monotonic_ns()
        self._busy = busy_ns()

    def turned(self, begin: int, end: int) -> None:
        """Enter one turn of the loop that served sockets from *begin* to *end*."""
        self.turns.record(end - begin)
        if end - self._mark >= 1_000_000_000:
            busy = busy_ns()
            self.peak = max(self.peak, (busy - self._busy) / (end - self._mark))
            self._mark, self._busy = end, busy

    @property
    def is_saturated(self) -> bool:
        """Tell whether the generator had no time left in some second."""
        return self.peak > SATURATED

    def summary(self) -> dict[str, float | bool]:
        """Return what a report shows."""
        return {
            "busy_peak": round(self.peak, 3),
            "turn_p99_ms": round(self.turns.percentile(99), 3),
            "saturated": self.is_saturated,
        }


def busy_ns() -> int:
    """Return the time this thread has run or waited to run; without schedstat only the time it ran."""
    try:
        running, waiting, _ = _SCHEDSTAT.read_text().split()
    except OSError:
        return time.process_time_ns()
    return int(running) + int(waiting)
