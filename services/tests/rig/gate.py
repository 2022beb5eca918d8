"""A network between a browser and the edge that lets some requests through, refuses some and swallows others."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Literal, Self

Treatment = Literal["through", "refused", "busy", "swallowed", "held back"]

_ANSWERS = {
    "refused": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "busy": b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


class Gate:
    """
    Forward HTTP requests on `port` to *target* on loopback, each on a connection of its own.

    A refused request is answered with 403, one for whom it is busy with 503 and Retry-After, a swallowed one never; of
    one that is held back no byte of the answer comes before its end. `pages` are whole answers by path, of its own;
    `delays` are seconds by path without its query, after which a request goes on.
    `requests` are their first lines, `came` when each came, as `time.monotonic` has it.

    Use as an asynchronous context manager.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.websocket: Treatment = "through"
        self.stream: Treatment = "through"
        self.poll: Treatment = "through"
        self.requests: list[str] = []
        self.came: list[float] = []
        self.pages: dict[str, bytes] = {}
        self.delays: dict[str, float] = {}
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The address of the edge as the browser sees it."""
        return f"http://127.0.0.1:{self.port}"

    def swallow(self) -> None:
        """Forward nothing from now on, on connections old and new, and close none."""
        self._is_open.clear()

    def forward(self) -> None:
        """Forward again."""
        self._is_open.set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _treatment(self, head: bytes) -> Treatment:
        if b"upgrade: websocket" in head.lower():
            return self.websocket
        request = head.splitlines()[0]
        if b" /ws/http_stream" in request:
            return self.stream
        return self.poll if b" /ws/poll" in request else "through"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.splitlines()[0].decode())
            self.came.append(time.monotonic())
            treatment = self._treatment(head)
            path = head.split()[1].decode()
            await asyncio.sleep(self.delays.get(path.partition("?")[0], 0))
            own = self.pages.get(path) or _ANSWERS.get(treatment)
            if own:
                writer.write(own)
                await writer.drain()
            elif treatment == "swallowed":
                await asyncio.Event().wait()
            else:
                await self._forward(_single(head), reader, writer, holds_back=treatment == "held back")
        writer.close()
        self._writers.discard(writer)

    async def _forward(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, holds_back: bool
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(far_writer)
        far_writer.write(head)
        there = asyncio.create_task(self._pump(reader, far_writer))
        try:
            if holds_back:
                writer.write(await far_reader.read())
            else:
                await self._pump(far_reader, writer)
        finally:
            there.cancel()
            far_writer.close()
            self._writers.discard(far_writer)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self._is_open.wait()
                sink.write(data)
                await sink.drain()


def _single(head: bytes) -> bytes:
    """Make a request the only one of its connection, but for those that become a socket."""
    if b"upgrade: websocket" in head.lower():
        return head
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])
