"""What is attacked: Redis, one realtime process, and, if wanted, the edge that we ship in front of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple, Self

import psutil
import redis

from demo.edge import write_edge_files
from rig.adversary import readers
from rig.adversary.publishing import publish
from rig.overrides import override_tandem
from rig.pair import Realtime
from rig.servers import RedisServer, Server, find_program, free_port, wait_until

NAMESPACES: dict[str, dict[str, Any]] = {
    "public": {"history_size": 100, "history_ttl": 60, "subscribe": "anyone", "publish": "subscribers"},
    "large": {"history_size": 300, "history_ttl": 3600, "subscribe": "anyone", "read_history": "subscribers"},
    "crowd": {"presence": True, "join_leave": True, "subscribe": "anyone", "read_presence": "subscribers"},
}
SERVER_CORE, OTHER_CORE = 0, 1
REDIS_PRIORITY = 2
_EDGE = "edge"


class Figures(NamedTuple):
    """What everything weighs: bytes of each process and of Redis, descriptors, keys of Redis, lines of the log."""

    sizes: dict[str, int]
    files: dict[str, int]
    redis_keys: int
    log_lines: int


class Victim:
    """
    The servers. Use as a context manager.

    *is_pinned*: they have one core to themselves (and nginx one process), the caller the other. *size* is that of each
    publication of the large history.
    """

    def __init__(
        self, directory: Path, *, has_edge: bool = False, is_pinned: bool = False, size: int = readers.SIZE
    ) -> None:
        self._size = size
        self._redis = RedisServer(directory)
        environ = {
            "TANDEM_NAMESPACES": json.dumps(NAMESPACES),
            "TANDEM_TRUSTED_PROXIES": "127.0.0.1" if has_edge else "",
        }
        self.realtime = Realtime(self._redis.url, directory, environ)
        self._edge = _edge(directory, self.realtime.port, cores=1 if is_pinned else None) if has_edge else None
        self._is_pinned = is_pinned
        self._running = contextlib.ExitStack()

    @property
    def address(self) -> tuple[str, int]:
        """Where everybody comes in."""
        return "127.0.0.1", (self._edge or self.realtime).port

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            running.enter_context(self._redis)
            running.enter_context(self.realtime)
            if self._edge is not None:
                running.enter_context(self._edge)
            wait_until(self.realtime.is_ready, what="ready")
            if self._is_pinned:
                running.callback(os.sched_setaffinity, 0, os.sched_getaffinity(0))
                self._pin()
            running.enter_context(override_tandem(redis_urls=[self._redis.url], namespaces=NAMESPACES))
            for number in range(readers.COUNT):
                publish(readers.CHANNEL, {"number": number, "text": "x" * self._size})
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()

    def _pin(self) -> None:
        for process in self._processes().values():
            process.cpu_affinity([SERVER_CORE])
        assert self._redis.process is not None
        psutil.Process(self._redis.process.pid).cpu_affinity([OTHER_CORE])
        if (policy := os.sched_getscheduler(0)) != os.SCHED_OTHER:
            # Before the clients on its core, as it would be without a policy of turns that last long.
            os.sched_setscheduler(self._redis.process.pid, policy, os.sched_param(REDIS_PRIORITY))
        os.sched_setaffinity(0, {OTHER_CORE})

    def _processes(self) -> dict[str, psutil.Process]:
        assert self.realtime.process is not None
        found = {"realtime": psutil.Process(self.realtime.process.pid)}
        if self._edge is not None:
            assert self._edge.process is not None
            edge = psutil.Process(self._edge.process.pid)
            found |= {f"{_EDGE}-{number}": each for number, each in enumerate((edge, *edge.children()))}
        return found

    def figures(self) -> Figures:
        """Weigh everything."""
        processes = self._processes()
        with redis.Redis.from_url(self._redis.url) as client:
            client.execute_command("MEMORY", "PURGE")
            info = client.info("memory")
            keys = client.dbsize()
        assert self.realtime.log is not None
        return Figures(
            {name: process.memory_info().rss for name, process in processes.items()}
            | {"Redis": int(info["used_memory"])},
            {name: process.num_fds() for name, process in processes.items()},
            int(keys),
            self.realtime.log.read_bytes().count(b"\n"),
        )

    def gauges(self) -> dict[str, float]:
        """Return what the process says of itself: connections, subscriptions, bytes that wait."""
        text = self.realtime.private("/metrics").text
        wanted = re.compile(r"^(tandem_(?:connections|subscriptions|send_buffer_bytes)(?:\{.*\})?) (.+)$", re.MULTILINE)
        found = {name: float(value) for name, value in wanted.findall(text)}
        # A kind of connection is named from its first on.
        return {name: value for name, value in found.items() if value or "{" not in name}

    @property
    def log(self) -> str:
        """What the process has written."""
        assert self.realtime.log is not None
        return self.realtime.log.read_text(errors="replace")


def _edge(directory: Path, realtime: int, *, cores: int | None) -> Server:
    port, prefix = free_port(), directory / _EDGE
    nobody = free_port()
    write_edge_files(
        prefix,
        listen=f"127.0.0.1:{port}",
        api=f"127.0.0.1:{nobody}",
        realtime=f"127.0.0.1:{realtime}",
        cores=cores,
    )
    command = [find_program("nginx"), "-p", str(prefix), "-c", "nginx.conf", "-g", "daemon off;"]
    return Server(command, port, log=directory / "edge.log")
