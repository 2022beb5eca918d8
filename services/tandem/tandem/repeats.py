"""Log what repeats once, and then how often it did."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

QUIET_SECONDS = 60.0
_MOST_KEYS = 1000


class Repeats:
    """
    Events that may come hundreds a second, as a log bears them: the first of a kind at once, then one a minute.

    Each carries the `count` of those that it stands for. A kind is the event and its *key*.
    """

    def __init__(self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str], tuple[float, int]] = {}

    def warning(self, event: str, key: str, **told: object) -> None:
        """Tell of *event* as a warning, unless one of its kind was told in the last minute."""
        self._log(logging.WARNING, event, key, told)

    def error(self, event: str, key: str, **told: object) -> None:
        """Tell of *event* as an error, unless one of its kind was told in the last minute."""
        self._log(logging.ERROR, event, key, told)

    def clear(self) -> None:
        """Forget what was told."""
        with self._lock:
            self._kinds.clear()

    def _log(self, level: int, event: str, key: str, told: dict[str, object]) -> None:
        now = self._clock()
        with self._lock:
            told_at, unsaid = self._kinds.get((event, key), (-QUIET_SECONDS, 0))
            if now - told_at < QUIET_SECONDS:
                self._kinds[event, key] = told_at, unsaid + 1
                return
            if len(self._kinds) >= _MOST_KEYS:
                self._kinds.clear()
            self._kinds[event, key] = now, 0
        self._logger.log(level, event, extra={**told, "count": unsaid + 1})
