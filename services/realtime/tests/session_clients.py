"""A client at the place where the transport would be: what is written to it, and how it was closed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rig.overrides import override_tandem
from tandem import tokens
from tandem_realtime.observing import metrics
from tandem_realtime.protocol.encodings import LINES
from tandem_realtime.runtime import Runtime
from tandem_realtime.session import Session

SECONDS = 20.0
KEY = "key-of-the-tests-0123456789abcdefghij"
STREAM = {"history_size": 5, "history_ttl": 60}
NAMESPACES: dict[str, dict[str, Any]] = {
    "public": {
        **STREAM,
        "recovery": True,
        "subscribe": "anyone",
        "publish": "subscribers",
        "read_history": "subscribers",
    },
    "every": {
        "history_size": 300,
        "history_ttl": 60,
        "recovery": True,
        "subscribe": "anyone",
        "delta": True,
        "tags_filter": True,
    },
    "live": {"subscribe": "anyone", "publish": "subscribers"},
    "latest": {**STREAM, "latest": True, "subscribe": "anyone"},
    "members": {**STREAM, "subscribe": "authenticated"},
    "named": {**STREAM, "subscribe": "named"},
    "secret": STREAM,
    "room": {"subscribe": "anyone", "presence": True, "join_leave": True, "read_presence": "subscribers"},
    "mail": {**STREAM, "recovery": True, "personal": True},
}


class FakeTransport:
    """Keeps what a session writes and how it ends; speaks commands with ids of its own."""

    def __init__(self, runtime: Runtime, *, is_plain: bool = False) -> None:
        self.writes: list[bytes] = []
        self.closed: tuple[int, str] | None = None
        self.is_open = True
        self.read_again_at = 0.0
        self.session = Session(runtime, LINES, self.writes.append, self._close, is_plain=is_plain, socket=self)
        self._last_id = 0

    def _close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)

    def cork(self) -> None:
        """Do nothing: whoever reads `writes` waits for nothing."""

    def uncork(self) -> None:
        """Do nothing, as above."""

    def unread_until(self) -> float:
        """Tell when the client was read again."""
        return self.read_again_at

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Everything that was written, as objects; pings are empty ones."""
        return [json.loads(line) for data in self.writes for line in data.splitlines()]

    @property
    def pushes(self) -> list[dict[str, Any]]:
        """Every push."""
        return [line["push"] for line in self.lines if "push" in line]

    async def command(self, **command: Any) -> dict[str, Any]:
        """Send one command and return its reply without the id, or how the connection was closed."""
        self._last_id += 1
        await self.session.receive(json.dumps({"id": self._last_id, **command}))
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            for line in self.lines:
                if line.get("id") == self._last_id:
                    del line["id"]
                    return line
            if self.closed:
                return {"closed": self.closed}
            await asyncio.sleep(0.002)
        raise TimeoutError(f"no reply to {command}")

    async def connect(self, **fields: Any) -> dict[str, Any]:
        """Connect and return the result."""
        reply = await self.command(connect=fields)
        assert "connect" in reply, reply
        return dict(reply["connect"])

    async def subscribe(self, channel: str, **fields: Any) -> dict[str, Any]:
        """Subscribe and return the result."""
        reply = await self.command(subscribe={"channel": channel, **fields})
        assert "subscribe" in reply, reply
        return dict(reply["subscribe"])

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait for *count* pushes and return them."""
        async with asyncio.timeout(SECONDS):
            while len(self.pushes) < count:
                await asyncio.sleep(0.002)
        return self.pushes


@asynccontextmanager
async def running(url: str, **changes: Any) -> AsyncIterator[Runtime]:
    """Start what a process over the Redis at *url* has, with *changes* of its settings, and stop it."""
    with override_tandem(redis_urls=[url], namespaces=NAMESPACES, token_keys=[KEY], **changes):
        runtime = Runtime()
        runtime.start()
        yield runtime
        await runtime.stop()
        await runtime.layer.flush()
        metrics.hubs.clear()


async def user(runtime: Runtime, name: str = "42", **claims: Any) -> FakeTransport:
    """Return a client that is connected with a token."""
    client = FakeTransport(runtime)
    await client.connect(token=tokens.connection_token(KEY, name, **claims))
    return client
