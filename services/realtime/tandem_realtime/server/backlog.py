"""Clients for whom more waits than the limit: they may, as long as they read and the process can afford it."""

from __future__ import annotations

import asyncio
from typing import Protocol

LOOK_SECONDS = 1.0


class Laggard(Protocol):
    """A connection, as far as it can be behind."""

    @property
    def taken(self) -> int:
        """How many bytes the client has taken so far; grows when it reads."""

    @property
    def excess(self) -> int:
        """Bytes that wait beyond the limit."""

    def overflowed(self) -> None:
        """End the connection: its client is slow."""


class Backlog:
    """
    Ends who takes no byte for *seconds*, and who was behind longest when all are more than *budget* bytes behind.

    One large answer is no proof of a slow reader, nor are many publications at once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, seconds: float, budget: int) -> None:
        self._loop = loop
        self._seconds = seconds
        self._budget = budget
        self._behind: dict[Laggard, tuple[int, float]] = {}
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._behind)

    def add(self, laggard: Laggard, size: int) -> None:
        """Take note that *size* more bytes wait for *laggard*, which is over its limit."""
        if laggard not in self._behind:
            self._behind[laggard] = laggard.taken, self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(min(LOOK_SECONDS, self._seconds / 2), self._look)
        self._bytes += size
        if self._bytes > self._budget:
            self._call_in()

    def discard(self, laggard: Laggard) -> None:
        """Forget *laggard*: it is gone, or told to go."""
        self._behind.pop(laggard, None)

    def _call_in(self) -> None:
        """End those who were behind longest until the rest can be afforded. The sum is kept roughly, and made here."""
        self._bytes = sum(max(0, each.excess) for each in self._behind)
        for laggard in list(self._behind):
            if self._bytes <= self._budget:
                return
            self._bytes -= max(0, laggard.excess)
            self.discard(laggard)
            laggard.overflowed()

    def _look(self) -> None:
        now = self._loop.time()
        for laggard, (taken, since) in list(self._behind.items()):
            if laggard.excess <= 0:
                self.discard(laggard)
            elif laggard.taken > taken:
                self._behind[laggard] = laggard.taken, now
            elif now - since >= self._seconds:
                self.discard(laggard)
                laggard.overflowed()
        self._bytes = sum(max(0, each.excess) for each in self._behind)
        more = bool(self._behind)
        self._timer = self._loop.call_later(min(LOOK_SECONDS, self._seconds / 2), self._look) if more else None
