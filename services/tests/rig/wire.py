"""A client that shows every frame: the protocol by hand, for tests that look at what an SDK hides."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECONDS = 10.0


class Wire:
    """One connection that speaks commands and keeps the pushes in the order of their arrival."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.pushes: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._last_id = 0
        self._reader = asyncio.create_task(self._read())

    async def command(self, **command: Any) -> dict[str, Any]:
        """Send one command and return its reply."""
        self._last_id += 1
        reply = self._replies[self._last_id] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps({"id": self._last_id, **command}))
        return await asyncio.wait_for(reply, SECONDS)

    async def subscribe(self, channel: str, **options: Any) -> dict[str, Any]:
        """Subscribe and return the result; an error is a failed assertion."""
        reply = await self.command(subscribe={"channel": channel, **options})
        assert "subscribe" in reply, reply
        return dict(reply["subscribe"])

    async def publications(self, count: int) -> list[dict[str, Any]]:
        """Return the next *count* publications that are pushed."""
        return [(await asyncio.wait_for(self.pushes.get(), SECONDS))["pub"] for _ in range(count)]

    async def closed(self) -> tuple[int, str]:
        """Wait for the end of the connection and return its code and reason."""
        await asyncio.wait_for(self.socket.wait_closed(), SECONDS)
        return self.socket.close_code or 0, self.socket.close_reason or ""

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for frame in self.socket:
                for line in str(frame).split("\n"):  # splitlines() would split at U+2028 too
                    await self._handle(json.loads(line))

    async def _handle(self, message: dict[str, Any]) -> None:
        if not message:
            await self.socket.send("{}")
        elif "push" in message:
            self.pushes.put_nowait(message["push"])
        else:
            self._replies.pop(message["id"]).set_result(message)

    async def end(self) -> None:
        """Close the connection."""
        await self.socket.close()
        await self._reader


@contextlib.asynccontextmanager
async def open_wire(url: str, *, token: str = "", **options: Any) -> AsyncIterator[Wire]:
    """Open a socket and send `connect` on it."""
    async with open_socket(url, **options) as wire:
        reply = await wire.command(connect={"token": token} if token else {})
        assert "connect" in reply, reply
        yield wire


@contextlib.asynccontextmanager
async def open_socket(url: str, **options: Any) -> AsyncIterator[Wire]:
    """Open a socket on which nothing was said yet."""
    async with connect(url, max_size=None, ping_interval=None, compression=None, **options) as socket:
        wire = Wire(socket)
        try:
            yield wire
        finally:
            await wire.end()
