"""One timer for every connection of the process: each is due at some second, most for its next ping."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from tandem_realtime.second import next_second

logger = logging.getLogger(__name__)


class Ticking(Protocol):
    """What can be due."""

    slot: int

    def tick(self, now: float) -> float:
        """Do what is due at *now* of the event loop's clock; return when to tick next, 0 for never."""


class Wheel:
    """
    Calls `tick` within a second after it is due.

    A timer of the event loop for each connection would cost some 500 bytes and a place in a heap; this is a set for
    each second.
    """

    def __init__(self) -> None:
        self._slots: dict[int, set[Ticking]] = {}
        self._next = 0

    def schedule(self, ticking: Ticking, at: float) -> None:
        """Tick *ticking* at *at* (0: never) instead of when it was due before."""
        self.cancel(ticking)
        if at:
            slot = max(int(at) + 1, self._next)
            ticking.slot = slot
            self._slots.setdefault(slot, set()).add(ticking)

    def cancel(self, ticking: Ticking) -> None:
        """Do not tick *ticking* any more."""
        if ticking.slot and (slot := self._slots.get(ticking.slot)):
            slot.discard(ticking)
        ticking.slot = 0

    def turn(self, now: float) -> None:
        """Tick everything that is due at *now*."""
        self._next = self._next or int(now)
        while self._next <= int(now):
            due = self._slots.pop(self._next, ())
            self._next += 1
            for ticking in due:
                ticking.slot = 0
                try:
                    self.schedule(ticking, ticking.tick(now))
                except Exception:  # one connection's bug must not stop the pings of all
                    logger.exception("wheel.tick")

    async def run(self) -> None:
        """Turn, every second, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.turn(loop.time())
            await next_second()
