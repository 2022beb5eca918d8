"""The events that wait for one ASGI application: what its `receive` awaits."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]


class Inbox:
    """
    Hand events over in order, at a fraction of the memory of an `asyncio.Queue` (three kilobytes when empty).

    `receive` returns a future, not a coroutine: Channels waits for it with no task around it. *on_room* is called when
    the last event that waited is taken.
    """

    __slots__ = ("_events", "_loop", "_on_room", "_waiter")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_room: Callable[[], None]) -> None:
        self._loop = loop
        self._on_room = on_room
        self._events: collections.deque[Event] | None = None
        self._waiter: asyncio.Future[Event] | None = None

    def __len__(self) -> int:
        return 0 if self._events is None else len(self._events)

    def put(self, event: Event) -> None:
        """Add *event* at the end."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(event)
            return
        if self._events is None:
            self._events = collections.deque()
        self._events.append(event)

    def receive(self) -> asyncio.Future[Event]:
        """Return a future of the next event."""
        if self._waiter is not None and not self._waiter.done():
            return asyncio.ensure_future(self._receive_after(self._waiter))
        future: asyncio.Future[Event] = self._loop.create_future()
        if self._events is None:
            self._waiter = future
            return future
        future.set_result(self._events.popleft())
        if not self._events:
            self._events = None
            self._on_room()
        return future

    async def _receive_after(self, other: asyncio.Future[Event]) -> Event:
        """Wait in line: the application asked again before its first question was answered."""
        await asyncio.wait([other])
        return await self.receive()
