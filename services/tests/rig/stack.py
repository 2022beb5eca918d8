"""The pair as it runs in production, on free ports: Redis, gunicorn, the outbox worker, Daphne, nginx."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from rig.edge import make_edge
from rig.servers import RedisServer, Server, free_port

COUNTER = "public:counter.demo"
ADMIN_PASSWORD = "of-the-admin"


async def press(http: httpx.AsyncClient, times: int = 1) -> list[int]:
    """Increment the counter, one after the other, and return its values."""
    answers = [await http.post("/api/counters/demo/increment/") for _ in range(times)]
    return [int(answer.raise_for_status().json()["value"]) for answer in answers]


class Stack:
    """
    Everything behind one edge. Use as a context manager.

    Each server is an attribute that a test may kill and start again: `redis`, `api`, `realtime`, `edge`.
    """

    def __init__(
        self, directory: Path, *, environ: Mapping[str, str] | None = None, redis_options: Sequence[str] = ()
    ) -> None:
        self.directory = directory
        (directory / "redis").mkdir(parents=True)
        self.redis = RedisServer(directory / "redis", *redis_options)
        api, realtime = free_port(), free_port()
        self.private_port = free_port()
        self.environ = {
            "TANDEM_DEBUG": "0",
            "DJANGO_SECRET_KEY": "secret-key-of-the-tests-0123456789abcdefghijklmnopqrstuvwxyz",
            "DJANGO_SUPERUSER_PASSWORD": ADMIN_PASSWORD,
            "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DJANGO_SECURE_COOKIES": "0",
            "TANDEM_REDIS_URLS": self.redis.url,
            "TANDEM_TOKEN_KEYS": "key-of-the-tests-0123456789abcdefghij",
            "TANDEM_API_KEYS": "server-api-key",
            "DATABASE_URL": f"sqlite:///{directory / 'tandem.sqlite3'}",
            "TANDEM_WEB_HOST": "127.0.0.1",
            "TANDEM_WEB_PORT": str(api),
            "TANDEM_METRICS_PORT": str(free_port()),
            "TANDEM_BIND_HOST": "127.0.0.1",
            "TANDEM_BIND_PORT": str(realtime),
            "TANDEM_PRIVATE_PORT": str(self.private_port),
            "TANDEM_DRAIN_SECONDS": "1",
            **(environ or {}),
        }
        gunicorn = ["-m", "gunicorn", "--config", "python:tandem.gunicorn", "api.wsgi:application"]
        self.api = self._python(gunicorn, api, "api")
        self.realtime = self._python(["-m", "tandem_realtime"], realtime, "realtime")
        self.edge = make_edge(directory, api=f"127.0.0.1:{api}", realtime=f"127.0.0.1:{realtime}")
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The edge for HTTP clients."""
        return f"http://127.0.0.1:{self.edge.port}"

    @property
    def ws_url(self) -> str:
        """The edge's bidirectional socket."""
        return f"ws://127.0.0.1:{self.edge.port}/ws/"

    @property
    def counter_url(self) -> str:
        """The API of the counter that every installation has."""
        return f"{self.url}/api/counters/demo/"

    def _prepare(self) -> None:
        """Make the tables, the static files and the user "admin"."""
        environ = {**os.environ, **self.environ}
        subprocess.run([sys.executable, "-m", "demo.prepare"], env=environ, check=True, capture_output=True)

    def _python(self, arguments: Sequence[str], port: int, name: str) -> Server:
        return Server([sys.executable, *arguments], port, env=self.environ, log=self.directory / f"{name}.log")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            running.enter_context(self.redis)
            self._prepare()
            for server in (self.api, self.realtime, self.edge):
                running.enter_context(server)
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()
