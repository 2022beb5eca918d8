"""The end of a process: sockets are told to leave, one after the other, and applications end by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from .closing import SHUTDOWN, close_pace
from .connections import Connection, Connections

logger = logging.getLogger(__name__)
_HASTY_SECONDS = 2.0
_POLL_SECONDS = 0.02
_LOOK_SECONDS = 0.2


class Drain:
    """Close what is open, wait for what ends by itself, cut off the rest."""

    def __init__(self, server: Connections, *, stop_listening: Callable[[], Awaitable[None]]) -> None:
        self._server = server
        self._stop_listening = stop_listening
        self._hurry = asyncio.Event()

    def hasten(self) -> None:
        """Close at once what is still open and wait no longer than two seconds."""
        self._hurry.set()

    async def run(self) -> None:
        """Drain; afterwards nothing is connected and no application runs."""
        server = self._server
        window_ends = server.loop.time() + server.limits.drain_seconds
        await self._stop_listening()
        here = deque(each for each in server.connections if self._is_here(each))
        logger.info("Draining %d connections over %g s", len(here), server.limits.drain_seconds)
        await self._send_away(here)
        await self._wait_until(window_ends, lambda: not server.handshaking and not server.arriving)
        server.arriving.expire_all()
        server.handshaking.expire_all()
        if not await self._is_empty(window_ends):
            logger.warning("Cutting off %d connections that did not end", len(server.connections))
            server.lingering.expire_all()
            server.ending.expire_all()

    async def _send_away(self, here: deque[Connection]) -> None:
        """Close one after the other, at the pace that fills the window; who has gone by himself takes no time."""
        at = self._server.loop.time()
        pace = close_pace(len(here), window=self._server.limits.drain_seconds)
        while self._forget_gone(here):
            self._close(here.popleft())
            at += pace
            if self._forget_gone(here):
                await self._wait_until(at, lambda: not self._forget_gone(here))

    def _forget_gone(self, here: deque[Connection]) -> bool:
        """Tell whether the first of *here* is still here, after those who are not."""
        while here and not self._is_here(here[0]):
            here.popleft()
        return bool(here)

    def _is_here(self, connection: Connection) -> bool:
        if connection not in self._server.connections:
            return False
        return connection.is_open or connection in self._server.handshaking

    def _close(self, connection: Connection) -> None:
        try:
            connection.send_away(*SHUTDOWN)
        except Exception:  # one application's trouble must not keep the others from their goodbye
            logger.exception("Could not close %r", connection)

    async def _wait_until(self, moment: float, is_over: Callable[[], bool]) -> None:
        """Sleep until *moment*, until it is over, or until somebody is in a hurry."""
        while not self._hurry.is_set() and not is_over() and (left := moment - self._server.loop.time()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), min(left, _LOOK_SECONDS))

    async def _is_empty(self, window_ends: float) -> bool:
        server = self._server
        closing_seconds = max(server.limits.application_close_seconds, server.limits.close_seconds)
        deadline = max(server.loop.time() + closing_seconds, window_ends)
        hurried = False
        while server.connections or server.lingering or server.handshaking:
            if self._hurry.is_set() and not hurried:
                hurried, deadline = True, min(deadline, server.loop.time() + _HASTY_SECONDS)
            if server.loop.time() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True
