"""A busy day in short: two realtime processes, clients that come, go and fail, and a Prometheus that watches."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from demo.monitor import EXPORTERS, redis_exporter
from rig.prometheus import Prometheus
from rig.servers import SERVICES, Server, find_program, free_port
from rig.stack import COUNTER, Stack

RESETTLE_SECONDS = 1.0


class BusyRun:
    """Everything that a dashboard shows, happening: use as a context manager, then `act`."""

    def __init__(self, directory: Path, *, clients: int) -> None:
        self.clients = clients
        self.stack = Stack(directory / "stack", redis_options=["--maxmemory", "64mb"])
        self.second_port, private = free_port(), free_port()
        environ = self.stack.environ | {
            "TANDEM_BIND_PORT": str(self.second_port),
            "TANDEM_PRIVATE_PORT": str(private),
            "TANDEM_DRAIN_SECONDS": "5",
        }
        command = [sys.executable, "-m", "tandem_realtime"]
        self.second = Server(command, self.second_port, env=environ, log=directory / "second.log")
        self._exporter = find_program(*EXPORTERS)
        self._exporter_port = free_port()
        targets = {
            ("realtime", "realtime-0"): self.stack.private_port,
            ("realtime", "realtime-1"): private,
            ("api", "api-0"): int(self.stack.environ["TANDEM_METRICS_PORT"]),
            ("redis", "redis-0"): self._exporter_port,
        }
        self.prometheus = Prometheus(directory / "prometheus", targets)
        self.started = time.monotonic()
        self.marks: dict[str, datetime] = {}
        """What was done to the run, and when."""
        self._running = contextlib.ExitStack()

    @property
    def urls(self) -> list[str]:
        """The sockets of both processes, without the edge in between."""
        ports = (int(self.stack.environ["TANDEM_BIND_PORT"]), self.second_port)
        return [f"ws://127.0.0.1:{port}/ws/" for port in ports]

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as running:
            running.enter_context(self.stack)
            running.enter_context(self.second)
            running.enter_context(redis_exporter(self._exporter, self.stack.redis.port, self._exporter_port))
            running.enter_context(self.prometheus)
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()

    def act(self, seconds: float) -> None:
        """Let *seconds* pass in which all of it happens."""
        crowd = [subprocess.Popen(self._holder(), cwd=SERVICES, stdout=subprocess.DEVNULL) for _ in range(2)]
        try:
            asyncio.run(asyncio.wait_for(self._play(seconds, crowd[0]), seconds + 60))
        finally:
            for process in crowd:
                process.kill()
                process.wait()

    async def _play(self, seconds: float, doomed: subprocess.Popen[bytes]) -> None:
        watchers = [asyncio.create_task(self._watch(number, seconds)) for number in range(12)]
        pressing = asyncio.create_task(self._press(seconds))
        await asyncio.sleep(seconds * 0.5)
        await self._refused()
        self.marks["clients killed"] = datetime.now(UTC)
        doomed.kill()  # a network goes away
        await asyncio.sleep(seconds * 0.2)
        self.marks["drain"] = datetime.now(UTC)
        self.second.signal(signal.SIGTERM)  # a pod is replaced: its clients come back to the other one
        await asyncio.gather(*watchers, pressing)

    def _holder(self) -> list[str]:
        return [sys.executable, "-m", "rig.holder", str(self.clients // 2), COUNTER, *self.urls]

    async def _press(self, seconds: float) -> None:
        """Press the button, more and less often."""
        async with httpx.AsyncClient(base_url=self.stack.url, timeout=10) as http:
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                await http.post("/api/counters/demo/increment/")
                await http.get("/api/counters/demo/")
                if random.random() < 0.1:
                    await http.get("/api/counters/none/")
                await asyncio.sleep(random.uniform(0.02, 0.2))

    async def _watch(self, number: int, seconds: float) -> None:
        """Follow the counter, report each delivery, and drop the connection now and then; come back with a position."""
        ends = time.monotonic() + seconds
        since: dict[str, object] = {}
        while time.monotonic() < ends:
            url = self.urls[number % 2] if self.second.process and self.second.process.poll() is None else self.urls[0]
            stays = min(ends, time.monotonic() + random.uniform(0.1, 0.5) * seconds)
            with contextlib.suppress(OSError, ConnectionClosed, TimeoutError):
                async with asyncio.timeout(stays - time.monotonic()), connect(url, ping_interval=None) as socket:
                    await self._follow(socket, since, forget=number == 0)
            await asyncio.sleep(RESETTLE_SECONDS * random.random())

    async def _follow(self, socket: ClientConnection, since: dict[str, object], *, forget: bool) -> None:
        position = {"epoch": "of another time", "offset": 3} if forget else since
        subscribe = {"channel": COUNTER, **({"recover": True, **position} if position else {})}
        commands = [{"id": 1, "connect": {}}, {"id": 2, "subscribe": subscribe}]
        await socket.send("\n".join(map(json.dumps, commands)))
        async for frame in socket:
            for message in map(json.loads, str(frame).splitlines()):
                if not message:
                    await socket.send("{}")
                elif "subscribe" in message:
                    result = message["subscribe"]
                    since |= {"epoch": result.get("epoch", ""), "offset": result.get("offset", 0)}
                elif "push" in message:
                    since["offset"] = offset = message["push"]["pub"]["offset"]
                    delivery = {"channel": COUNTER, "offset": offset, "received_ms": time.time() * 1000}
                    await socket.send(json.dumps({"send": {"data": {"delivery": delivery}}}))

    async def _refused(self) -> None:
        """Ask for an upgrade that is none."""
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "7"}
        async with httpx.AsyncClient() as http:
            for url in self.urls:
                await http.get(url.replace("ws://", "http://"), headers=headers)

    def fail(self) -> None:
        """Take Redis and the database away and ask all the same: errors and failed publishes for the figures."""
        self.stack.redis.kill()
        database = Path(self.stack.environ["DATABASE_URL"].removeprefix("sqlite:///"))
        with httpx.Client(base_url=self.stack.url, timeout=10) as http:
            http.post("/api/counters/demo/increment/")
            for path in database.parent.glob(database.name + "*"):
                path.unlink(missing_ok=True)  # SQLite takes its own files away, too
            http.get("/api/counters/demo/")
