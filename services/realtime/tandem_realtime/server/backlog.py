"""Bytes that wait for clients: for one as long as it reads, for all of them as many as the process can afford."""

from __future__ import annotations

import asyncio
from typing import Protocol

LOOK_SECONDS = 1.0


class Laggard(Protocol):
    """A connection, as far as something waits for its client."""

    @property
    def taken(self) -> int:
        """How many bytes the client has taken so far; grows when it reads."""

    @property
    def buffered(self) -> int:
        """Bytes that wait."""

    @property
    def excess(self) -> int:
        """Bytes that wait beyond the limit of one connection."""

    def overflowed(self) -> None:
        """End the connection: its client is slow."""


class Backlog:
    """
    Ends who is over its limit and takes no byte for *seconds*, and, while more than *budget* bytes wait, who took none
    for longest.

    One large answer is no proof of a slow reader, nor are many publications at once; but whoever it is for, it waits in
    the memory of the process.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, seconds: float, budget: int) -> None:
        self._loop = loop
        self._seconds = seconds
        self._budget = budget
        self._behind: dict[Laggard, tuple[int, float]] = {}
        self._bytes = 0
        self._is_ending = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._behind)

    @property
    def buffered(self) -> int:
        """Bytes that wait now, for all of them together."""
        return sum(laggard.buffered for laggard in self._behind)

    def add(self, laggard: Laggard, size: int) -> None:
        """Take note that *size* more bytes wait for *laggard*."""
        if laggard not in self._behind:
            self._behind[laggard] = laggard.taken, self._loop.time()
            if self._timer is None:
                self._timer = self._loop.call_later(min(LOOK_SECONDS, self._seconds / 2), self._look)
        self._bytes += size
        if self._bytes > self._budget and not self._is_ending:
            self._is_ending = True
            self._call_in()
            self._is_ending = False

    def took(self, size: int) -> None:
        """Take note that somebody took *size* bytes."""
        self._bytes -= size

    def discard(self, laggard: Laggard) -> None:
        """Forget *laggard*: nothing waits for it, or it is gone."""
        if self._behind.pop(laggard, None) is not None:
            self._bytes -= laggard.buffered

    def _call_in(self) -> None:
        """End those who took nothing for longest, until the rest can be afforded."""
        self._note_progress()
        if self._bytes <= self._budget:
            return
        for laggard in sorted(self._behind, key=lambda each: self._behind[each][1]):
            self._end(laggard)
            if self._bytes <= self._budget:
                return

    def _look(self) -> None:
        self._note_progress()
        now = self._loop.time()
        for laggard, (_, since) in list(self._behind.items()):
            if laggard.excess > 0 and now - since >= self._seconds:
                self._end(laggard)
        more = bool(self._behind)
        self._timer = self._loop.call_later(min(LOOK_SECONDS, self._seconds / 2), self._look) if more else None

    def _end(self, laggard: Laggard) -> None:
        self.discard(laggard)
        laggard.overflowed()

    def _note_progress(self) -> None:
        """See who took something, and count anew: of what Twisted sends nobody tells us."""
        now, waiting = self._loop.time(), 0
        for laggard, (taken, _) in list(self._behind.items()):
            waiting += laggard.buffered
            if not laggard.buffered:
                del self._behind[laggard]
            elif laggard.taken > taken:
                self._behind[laggard] = laggard.taken, now
        self._bytes = waiting
