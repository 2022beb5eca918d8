"""Two realtime processes over one Redis: what a browser meets behind a load balancer without sticky sessions."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from rig.overrides import override_tandem
from rig.servers import SERVICES, RedisServer, Server, free_port

TOKEN_KEY = "key-of-the-tests-0123456789abcdefghij"
_STREAM = {"history_size": 300, "history_ttl": 600, "recovery": True}
NAMESPACES: dict[str, dict[str, Any]] = {
    "public": {**_STREAM, "subscribe": "anyone", "publish": "subscribers", "read_history": "subscribers"},
    "members": {**_STREAM, "subscribe": "authenticated"},
    "room": {**_STREAM, "subscribe": "named"},
    "secret": _STREAM,
    "latest": {"history_size": 10, "history_ttl": 600, "latest": True, "subscribe": "anyone"},
    "live": {"subscribe": "anyone"},
    "notifications": {**_STREAM, "personal": True},
}
SECONDS = 10.0


class Realtime(Server):
    """One process of the service."""

    def __init__(self, redis_url: str, directory: Path, environ: Mapping[str, str]) -> None:
        port = free_port()
        env = {
            "DJANGO_SETTINGS_MODULE": "tandem_realtime.settings",
            "TANDEM_DEBUG": "1",
            "TANDEM_REDIS_URLS": redis_url,
            "TANDEM_TOKEN_KEYS": TOKEN_KEY,
            "TANDEM_NAMESPACES": json.dumps(NAMESPACES),
            "TANDEM_ALLOWED_ORIGINS": "https://friend.example",
            "TANDEM_BIND_HOST": "127.0.0.1",
            "TANDEM_BIND_PORT": str(port),
            "TANDEM_PRIVATE_PORT": str(free_port()),
            "TANDEM_DRAIN_SECONDS": "0.1",
            **environ,
        }
        super().__init__(
            [sys.executable, "-m", "tandem_realtime"],
            port,
            env=env,
            cwd=SERVICES / "realtime",
            log=directory / f"realtime-{port}.log",
        )

    @property
    def url(self) -> str:
        """The address for HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def private(self, path: str) -> httpx.Response:
        """Ask the private port."""
        return httpx.get(f"http://127.0.0.1:{self.env['TANDEM_PRIVATE_PORT']}{path}")

    def is_ready(self) -> bool:
        """Tell whether the process says that it is ready."""
        return self.private("/readyz").status_code == 200

    def metric(self, name: str) -> float:
        """Return a sample of the process's metrics, named with its labels; 0 if there is none yet."""
        text = self.private("/metrics").text
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + " ")), 0.0)

    @property
    def ws_url(self) -> str:
        """The address for sockets."""
        return f"ws://127.0.0.1:{self.port}"


class Pair:
    """Redis, a process `here` and a process `there`. Use as a context manager."""

    def __init__(self, directory: Path, **environ: str) -> None:
        self._directory = directory
        self.redis = RedisServer(directory)
        self.here = Realtime(self.redis.url, directory, environ)
        self.there = Realtime(self.redis.url, directory, environ)
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for server in (self.redis, self.here, self.there):
                running.enter_context(server)
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()

    def another(self, redis_url: str = "", **environ: str) -> Realtime:
        """Return one more process, not started; *redis_url* is its way to the same Redis."""
        return Realtime(redis_url or self.redis.url, self._directory, environ)

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Have the `tandem` of this process publish to the pair."""
        with override_tandem(redis_urls=[self.redis.url], namespaces=NAMESPACES):
            yield


class Lines:
    """A response that goes on, read line by line."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def line(self) -> str:
        """Return the next line that is not empty."""
        while True:
            line = await asyncio.wait_for(anext(self._lines), SECONDS)
            if line:
                return line

    async def json(self) -> dict[str, Any]:
        """Return the next line that is not a ping, as the object that it is."""
        while True:
            message = json.loads((await self.line()).removeprefix("data: "))
            if message:
                return dict(message)

    async def event(self) -> dict[str, Any]:
        """Return the next event of an event stream: its fields, the data decoded."""
        fields: dict[str, Any] = {}
        while True:
            line = await asyncio.wait_for(anext(self._lines), SECONDS)
            if not line and "data" in fields:
                return {**fields, "data": json.loads(fields["data"])}
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value

    async def end(self) -> None:
        """Read to the end of the response."""

        async def drop() -> None:
            async for _ in self._lines:
                pass

        await asyncio.wait_for(drop(), SECONDS)


@asynccontextmanager
async def open_stream(method: str, url: str, **options: Any) -> AsyncIterator[Lines]:
    """Open a response that goes on."""
    async with httpx.AsyncClient(timeout=SECONDS) as client, client.stream(method, url, **options) as response:
        assert response.status_code == 200, await response.aread()
        yield Lines(response)
