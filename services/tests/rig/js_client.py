"""The JavaScript SDK in a Node process, driven by lines of JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from rig.packages import package_of
from rig.servers import MissingServer, find_program

FOLDER = Path(__file__).with_name("sdk")
SECONDS = 15.0


class JsClient:
    """One Centrifuge client. Its events wait in the order in which the SDK reported them."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def do(self, action: str, **context: Any) -> None:
        """Tell the client to do something: connect, subscribe, unsubscribe, disconnect, reconnect, call."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"action": action, **context}).encode() + b"\n")
        await self.process.stdin.drain()

    async def event(self, name: str) -> dict[str, Any]:
        """Return the next event of that name, passing over others."""
        while True:
            event = await self._next()
            if event["event"] == name:
                return event

    async def publications(self, count: int) -> list[dict[str, Any]]:
        """Return the next *count* publications."""
        return [await self.event("publication") for _ in range(count)]

    async def call(self, method: str, *args: Any, channel: str = "") -> Any:
        """Call a method of the client, or of the subscription to *channel*, and return what it resolves to."""
        await self.do("call", method=method, args=args, **({"channel": channel} if channel else {}))
        while True:
            event = await self._next()
            if event["event"] == "failure":
                raise RuntimeError(f"{method}: {event['code']} {event['message']}")
            if event["event"] == "result":
                return event["result"]

    async def _next(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), SECONDS)
        if not line:
            raise EOFError("the Node process ended; its errors are above")
        return dict(json.loads(line))


@contextlib.asynccontextmanager
async def js_client(transport: str, endpoint: str, emulation_endpoint: str = "") -> AsyncIterator[JsClient]:
    """Start a client that is not connected yet."""
    if not (FOLDER / "node_modules/centrifuge").is_dir():
        raise MissingServer(package_of("npm"))
    process = await asyncio.create_subprocess_exec(
        find_program("node"), str(FOLDER / "client.mjs"), transport, endpoint, emulation_endpoint,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield JsClient(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
