"""The end of a process: sockets are told to leave, one after the other, and applications end by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from tandem_realtime.endpoints import WEBSOCKET

from .closing import SHUTDOWN, close_times
from .connections import Connection, Connections

logger = logging.getLogger(__name__)
_HASTY_SECONDS = 2.0
_POLL_SECONDS = 0.02


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
        started = server.loop.time()
        await self._stop_listening()
        open_now = [each for each in server.connections if each.is_open or each.kind == WEBSOCKET]
        logger.info("Draining %d connections over %g s", len(open_now), server.limits.drain_seconds)
        for connection, after in zip(
            open_now, close_times(len(open_now), window=server.limits.drain_seconds), strict=True
        ):
            await self._pause_until(started + after)
            self._close(connection)
        await self._pause_until(started + server.limits.drain_seconds if open_now else started)
        server.handshaking.expire_all()
        if not await self._is_empty():
            logger.warning("Cutting off %d connections that did not end", len(server.connections))
            server.lingering.expire_all()
            server.ending.expire_all()

    def _close(self, connection: Connection) -> None:
        try:
            connection.send_away(*SHUTDOWN)
        except Exception:  # one application's trouble must not keep the others from their goodbye
            logger.exception("Could not close %r", connection)

    async def _pause_until(self, moment: float) -> None:
        """Sleep until *moment*, or until somebody is in a hurry."""
        seconds = moment - self._server.loop.time()
        if seconds > 0 and not self._hurry.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), seconds)

    async def _is_empty(self) -> bool:
        server = self._server
        patience = max(server.limits.application_close_seconds, server.limits.close_seconds)
        deadline = server.loop.time() + patience
        hurried = False
        while server.connections or server.lingering or server.handshaking:
            if self._hurry.is_set() and not hurried:
                hurried, deadline = True, min(deadline, server.loop.time() + _HASTY_SECONDS)
            if server.loop.time() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True
