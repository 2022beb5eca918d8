"""How a session's bytes leave where there is no socket extension: through ASGI's ``send``, in order, bounded."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tandem_realtime.options import Options
from tandem_realtime.protocol.codes import SLOW

LARGE_BYTES = 65_536

Event = dict[str, Any]
Send = Callable[[Event], Awaitable[None]]


class Bounds(NamedTuple):
    """More than *limit* bytes may wait as long as some go every *seconds*, and never more than *backlog* beyond it."""

    limit: int
    seconds: float
    backlog: int


def limits_of(options: Options) -> Bounds:
    """Return the bounds of a connection."""
    return Bounds(options.max_buffer_bytes, options.slow_seconds, options.max_backlog_bytes)


class SendQueue:
    """
    Queue of events for one connection. *slow* is called when more wait than *bounds* allow.

    `run` sends them, and returns when `finish` was called and everything before it is sent.
    """

    def __init__(self, send: Send, bounds: Bounds, *, slow: Callable[[], None]) -> None:
        self._send = send
        self._bounds = bounds
        self._slow = slow
        self._waiting: deque[tuple[Event | Callable[[], Event], int]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self.is_finished = False
        self._is_sending = False
        self._taken_at = 0.0

    def put(self, event: Event | Callable[[], Event], size: int) -> None:
        """Send *event*, or what it returns when it goes out, and carries about *size* bytes, after those before it."""
        if self.is_finished:
            return
        if not self._waiting and not self._is_sending:
            self._taken_at = time.monotonic()
        self._waiting.append((event, size))
        self._bytes += size
        self._wake.set()
        if self._bytes > self._bounds.limit and self._is_slow():
            self._slow()

    def finish(self, event: Event, *, code: int) -> None:
        """Send *event* as the last one; a slow reader gets nothing else any more."""
        if self.is_finished:
            return
        if code == SLOW.code:
            self._waiting.clear()
        self._waiting.append((event, 0))
        self.is_finished = True
        self._wake.set()

    def free(self) -> None:
        """Free what nobody will take any more, and whom it knows: who knows each other is searched for late."""
        self.is_finished = True
        self._waiting.clear()
        self._slow = _nothing

    def _is_slow(self) -> bool:
        has_stalled = time.monotonic() - self._taken_at > self._bounds.seconds
        return has_stalled or self._bytes > self._bounds.limit + self._bounds.backlog

    async def run(self) -> None:
        """Send what is put, until `finish`."""
        while not (self.is_finished and not self._waiting):
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            event, size = self._waiting.popleft()
            self._bytes -= size
            self._is_sending = True
            await self._send(event() if callable(event) else event)
            self._is_sending = False
            self._taken_at = time.monotonic()
            if size >= LARGE_BYTES:  # let others go on, and what is below us take it
                await asyncio.sleep(0)


def _nothing() -> None:
    """Take no note."""
