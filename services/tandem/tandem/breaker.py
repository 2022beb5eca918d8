"""Whether a Redis is there, for those who cannot wait to find out: open, every call is refused at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import redis

from tandem.errors import RedisUnavailable

PROBE_SECONDS = 1.0
IDLE_SECONDS = 60.0


class Breaker:
    """
    One Redis, as this process sees it. Safe to share between threads.

    Open, a thread of its own calls *probe* once a second until that succeeds: whatever hangs there, a name lookup too,
    hangs nobody else. Where nobody asked for a minute the thread ends, and the next call finds out by itself.
    """

    def __init__(self, probe: Callable[[], None], *, interval: float = PROBE_SECONDS) -> None:
        self._probe = probe
        self._interval = interval
        self._lock = threading.Lock()
        self._reason: str | None = None
        self._prober: threading.Thread | None = None
        self._asked_at = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether calls are refused now."""
        if self._reason is None:
            return False
        self._asked_at = time.monotonic()
        if self._prober is None or not self._prober.is_alive():  # a fork has no threads but the one that forked
            self.close()
        return self._reason is not None

    def check(self) -> None:
        """Raise `RedisUnavailable` while the breaker is open."""
        if self.is_open:
            raise RedisUnavailable(f"known to be away: {self._reason}")

    def open(self, reason: str) -> None:
        """Refuse every call from now on, until a probe succeeds."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            self._asked_at = time.monotonic()
            self._prober = threading.Thread(target=self._probe_until_back, name="tandem-probe", daemon=True)
            self._prober.start()

    def close(self) -> None:
        """Let calls through."""
        with self._lock:
            self._reason = self._prober = None

    def _probe_until_back(self) -> None:
        while time.monotonic() - self._asked_at < IDLE_SECONDS:
            started = time.monotonic()
            try:
                self._probe()
            except (redis.RedisError, OSError):
                time.sleep(max(0.0, self._interval - (time.monotonic() - started)))
            else:
                break
        self.close()
