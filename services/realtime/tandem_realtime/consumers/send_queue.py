"""How a session's bytes leave where there is no socket extension: through ASGI's ``send``, in order, bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from tandem_realtime.protocol.codes import SLOW

Send = Callable[[dict[str, Any]], Awaitable[None]]


class SendQueue:
    """
    Queue of events for one connection. *slow* is called when more than *limit* bytes wait.

    `run` sends them, and returns when `finish` was called and everything before it is sent.
    """

    def __init__(self, send: Send, *, limit: int, slow: Callable[[], None]) -> None:
        self._send = send
        self._limit = limit
        self._slow = slow
        self._waiting: deque[tuple[dict[str, Any], int]] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._is_finished = False

    def put(self, event: dict[str, Any], size: int) -> None:
        """Send *event*, which carries *size* bytes, after those before it."""
        if self._is_finished:
            return
        self._waiting.append((event, size))
        self._bytes += size
        self._wake.set()
        if self._bytes > self._limit:
            self._slow()

    def finish(self, event: dict[str, Any], *, code: int) -> None:
        """Send *event* as the last one; a slow reader gets nothing else any more."""
        if self._is_finished:
            return
        if code == SLOW.code:
            self._waiting.clear()
        self._waiting.append((event, 0))
        self._is_finished = True
        self._wake.set()

    async def run(self) -> None:
        """Send what is put, until `finish`."""
        while not (self._is_finished and not self._waiting):
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            event, size = self._waiting.popleft()
            self._bytes -= size
            await self._send(event)
