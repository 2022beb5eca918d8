"""Two of everything, as on a cluster: realtime, api and worker twice, PostgreSQL, one Redis, nginx in front."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psycopg

from rig.edge import make_edge
from rig.postgres import PostgresServer
from rig.servers import RedisServer, Server, free_port
from rig.stack import ADMIN_PASSWORD

Environ = Mapping[str, str]

CLOCK = Path(__file__).with_name("clock")
"""A folder whose ``sitecustomize`` shifts the clock of the process that has it on its path."""


class Worker:
    """A process that listens nowhere: the outbox's worker."""

    def __init__(self, environ: Environ, log: Path) -> None:
        self.env = {**os.environ, **environ}
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it."""
        with self.log.open("ab") as output:
            command = [sys.executable, "-m", "api", "runworker", "tandem"]
            self.process = subprocess.Popen(command, env=self.env, stdout=output, stderr=output)
        return self

    def kill(self) -> None:
        """End it with SIGKILL and reap it."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.kill()


class Fleet:
    """
    Everything behind one edge. Use as a context manager.

    Each part is an attribute that a test may kill and start again: `redis`, `postgresql`, `realtimes`, `apis`,
    `workers`, `edge`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        redis_options: Sequence[str] = (),
        environ: Environ | None = None,
    ) -> None:
        self.directory = directory
        (directory / "redis").mkdir(parents=True)
        self.redis = RedisServer(directory / "redis", *redis_options)
        self.postgresql = PostgresServer()
        self.environ = {
            "TANDEM_DEBUG": "0",
            "DJANGO_SECRET_KEY": "secret-key-of-the-tests-0123456789abcdefghijklmnopqrstuvwxyz",
            "DJANGO_SUPERUSER_PASSWORD": ADMIN_PASSWORD,
            "DJANGO_ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DJANGO_SECURE_COOKIES": "0",
            "TANDEM_REDIS_URLS": self.redis.url,
            "TANDEM_TOKEN_KEYS": "key-of-the-tests-0123456789abcdefghij",
            "TANDEM_API_KEYS": "server-api-key",
            "DATABASE_URL": self.postgresql.url,
            "WEB_CONCURRENCY": "1",
            "TANDEM_WEB_HOST": "127.0.0.1",
            "TANDEM_BIND_HOST": "127.0.0.1",
            "TANDEM_DRAIN_SECONDS": "1",
            **(environ or {}),
        }
        self.apis = [self._api(number) for number in range(2)]
        self.realtimes = [self._realtime(number) for number in range(2)]
        self.workers = [Worker(self.environ, directory / f"worker-{number}.log") for number in range(2)]
        # As a Service of Kubernetes does: an address that refuses is passed over, but not for the next 10 seconds too.
        addresses = {
            name: "; server ".join(f"127.0.0.1:{part.port} max_fails=0" for part in parts)
            for name, parts in (("api", self.apis), ("realtime", self.realtimes))
        }
        self.edge = make_edge(directory, **addresses, own_group=True)
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """The edge for HTTP clients."""
        return f"http://127.0.0.1:{self.edge.port}"

    @property
    def ws_url(self) -> str:
        """The edge's bidirectional socket."""
        return f"ws://127.0.0.1:{self.edge.port}/ws/"

    def manage(self, *arguments: str) -> str:
        """Run a management command of the example; return what it prints."""
        command = [sys.executable, "-m", "api", *arguments]
        environ = {**os.environ, **self.environ}
        return subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout

    def sql(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement in the database, committed by itself; return its rows."""
        with psycopg.connect(self.postgresql.url, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)  # type: ignore[call-overload]  # wants a literal
            return cursor.fetchall() if cursor.description else []

    def waiting_rows(self) -> int:
        """Return how many publications wait in the outbox."""
        [(count,)] = self.sql("SELECT count(*) FROM tandem_outboxentry")
        return int(count)

    def another_api(self, **environ: str) -> Server:
        """Return one more api process, not started, that the edge does not know."""
        return self._api(len(self.apis), **environ)

    def set_clocks(self, *, realtime: int = 0, api: int = 0, worker: int = 0) -> None:
        """Start both workers and one each of the others again, with clocks that are off by so many seconds."""
        _start_again(self.realtimes[0], realtime)
        _start_again(self.apis[0], api)
        for each in self.workers:
            _start_again(each, worker)

    def _api(self, number: int, **more: str) -> Server:
        port = free_port()
        environ = {**self.environ, "TANDEM_WEB_PORT": str(port), "TANDEM_METRICS_PORT": str(free_port()), **more}
        command = [sys.executable, "-m", "gunicorn", "--config", "python:tandem.gunicorn", "api.wsgi:application"]
        return Server(command, port, env=environ, log=self.directory / f"api-{number}.log", own_group=True)

    def _realtime(self, number: int) -> Server:
        port = free_port()
        environ = {**self.environ, "TANDEM_BIND_PORT": str(port), "TANDEM_PRIVATE_PORT": str(free_port())}
        command = [sys.executable, "-m", "tandem_realtime"]
        return Server(command, port, env=environ, log=self.directory / f"realtime-{number}.log")

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            running.enter_context(self.redis)
            running.enter_context(self.postgresql)
            environ = {**os.environ, **self.environ}
            subprocess.run([sys.executable, "-m", "demo.prepare"], env=environ, check=True, capture_output=True)
            for part in (*self.apis, *self.realtimes, *self.workers, self.edge):
                running.enter_context(part)
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()


def _start_again(part: Server | Worker, seconds: int) -> None:
    """Kill a part and start it with a wall clock that is off by so many seconds; the monotonic clock stays."""
    part.kill()
    right = {name: value for name, value in part.env.items() if name not in ("PYTHONPATH", "CLOCK_SHIFT_SECONDS")}
    part.env = {**right, **({"PYTHONPATH": str(CLOCK), "CLOCK_SHIFT_SECONDS": str(seconds)} if seconds else {})}
    part.start()
