"""The servers that the benchmark compares, each started afresh on a core of its own."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loadgen.target import Target
from rig.servers import SERVICES, Server, free_port

SERVER_CORE, GENERATOR_CORE = 0, 1
CHANNEL = "public:loadgen"
# Long streams: a server that was stopped for the sake of a measurement can still be whole.
NAMESPACES = {"public": {"history_size": 1_000, "history_ttl": 300, "recovery": True, "subscribe": "anyone"}}
_STOCK_COMMANDS = {
    "stock": ("daphne", "-b", "127.0.0.1", "-p"),
    "stock-uvicorn": ("uvicorn", "--log-level", "warning", "--host", "127.0.0.1", "--port"),
}
"""Stock Channels under the servers that it is usually run by."""


@dataclass(frozen=True)
class Contender:
    """How to start a server, reach it, and publish through it."""

    name: str
    command: list[str]
    url: str
    publisher: str
    env: dict[str, str] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    recovers: bool = False
    dialect: str = "json"

    @property
    def target(self) -> Target:
        """Return the server as the generator sees it."""
        return Target(self.url, dialect=self.dialect)

    @property
    def channel(self) -> str:
        """Return the channel's name; groups of Channels have no colon."""
        return CHANNEL.replace(":", ".") if self.publisher == "layer" else CHANNEL

    @contextlib.contextmanager
    def running(self, log_directory: Path) -> Iterator[Server]:
        """Run the server on its own core."""
        log_directory.mkdir(parents=True, exist_ok=True)
        log = log_directory / f"{self.name}.log"
        server = Server(self.command, self.target.address[1], env=self.env, cwd=SERVICES, log=log)
        with on_core(SERVER_CORE):
            server.start()
        try:
            yield server
        finally:
            server.kill()


@contextlib.contextmanager
def on_core(core: int) -> Iterator[None]:
    """Run on *core*: children that are started inside inherit it, with all their threads."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def floor() -> Contender:
    """Return the raw send loop."""
    port, line_port = free_port(), free_port()
    return Contender(
        "floor",
        [sys.executable, "-m", "loadgen.floor", str(port), str(line_port)],
        f"ws://127.0.0.1:{port}/{{channel}}",
        "line",
        where={"line_address": f"127.0.0.1:{line_port}"},
    )


def stock(redis_url: str, *, name: str = "stock") -> Contender:
    """Return stock Channels: a server's own command, one consumer a socket, channels-redis's pub/sub layer."""
    port = free_port()
    server = _STOCK_COMMANDS[name]
    return Contender(
        name,
        [sys.executable, "-m", *server, str(port), "loadgen.stock.asgi:application"],
        f"ws://127.0.0.1:{port}/ws/{{channel}}/",
        "layer",
        env={"TANDEM_REDIS_URLS": redis_url, "DJANGO_SETTINGS_MODULE": "loadgen.stock.settings"},
        where={"layer_hosts": redis_url},
    )


def tandem(redis_url: str, *, name: str = "tandem", dialect: str = "json", **env: str) -> Contender:
    """Return the realtime service, whose clients speak *dialect*; *env* changes its settings."""
    port = free_port()
    return Contender(
        name,
        [sys.executable, "-m", "tandem_realtime"],
        f"ws://127.0.0.1:{port}/ws/",
        "redis",
        env={**tandem_env(redis_url), "TANDEM_BIND_PORT": str(port), "TANDEM_PRIVATE_PORT": str(free_port()), **env},
        recovers=True,
        dialect=dialect,
    )


def tandem_env(redis_url: str) -> dict[str, str]:
    """Return the variables that a publisher and the realtime service share."""
    return {
        "TANDEM_DEBUG": "1",
        "TANDEM_REDIS_URLS": redis_url,
        "TANDEM_NAMESPACES": json.dumps(NAMESPACES),
        "TANDEM_ALLOWED_ORIGINS": "*",
        "TANDEM_BIND_HOST": "127.0.0.1",
    }
