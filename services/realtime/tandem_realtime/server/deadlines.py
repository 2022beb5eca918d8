"""Deadlines that all have the same length: one timer for any number of connections, and no scan over them."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Generic, TypeVar

logger = logging.getLogger(__name__)
Key = TypeVar("Key")


class Deadlines(Generic[Key]):
    """
    Call *expire* with every key that is still here *seconds* after it was added, or is the oldest of more than *most*.

    A dict keeps the order of insertion, and with one length for all that is the order of the deadlines. What *expire*
    raises is logged and ends nothing.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        seconds: float,
        expire: Callable[[Key], object],
        *,
        most: float = math.inf,
    ) -> None:
        self.seconds = seconds
        self._most = most
        self._loop = loop
        self._expire = expire
        self._due: dict[Key, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: Key) -> bool:
        return key in self._due

    def add(self, key: Key) -> None:
        """Start the time of *key*; a key that is here already keeps its deadline."""
        if key not in self._due:
            self._due[key] = due = self._loop.time() + self.seconds
            if self._timer is None:
                self._timer = self._loop.call_at(due, self._check)
            if len(self._due) > self._most:
                self._end(next(iter(self._due)))

    def discard(self, key: Key) -> None:
        """Forget *key*, if it is here."""
        self._due.pop(key, None)

    def expire_oldest(self) -> bool:
        """Treat the first deadline as passed; tell whether there was one."""
        for key in self._due:
            self._end(key)
            return True
        return False

    def expire_all(self) -> None:
        """Treat every deadline as passed."""
        for key in list(self._due):
            self._end(key)

    def _check(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._due:
            key, due = next(iter(self._due.items()))
            if due > now:
                self._timer = self._loop.call_at(due, self._check)
                return
            self._end(key)

    def _end(self, key: Key) -> None:
        self.discard(key)
        try:
            self._expire(key)
        except Exception:  # one connection's trouble must not stop the clock of the others
            logger.exception("Deadline of %r failed", key)
