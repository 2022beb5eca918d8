"""
One counter, watched by many, in three deployments: ``make compare`` prints them side by side.

WSGI alone, where pages ask every two seconds; ASGI alone, one process for pages and sockets; both. No edge in any.
Bytes are counted by a cable in front, delays by one clock, processor time is the kernel's, of all server processes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from rig.cable import Cable
from rig.servers import Server
from rig.stack import COUNTER, Stack
from rig.wire import open_wire

ASK_SECONDS = 2.0
SETTLE_SECONDS = 3.0
PATH = "/api/counters/demo/"


@dataclass
class Watch:
    """What the watchers saw; `sent` has when each version was asked for."""

    sent: dict[int, float] = field(default_factory=dict)
    seen: list[tuple[int, float]] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    requests: int = 0

    def delays(self) -> list[float]:
        """Return how long each change took to each watcher, in seconds."""
        return [at - self.sent[version] for version, at in self.seen if version in self.sent]


@dataclass(frozen=True)
class Deployment:
    """Which of the stack's servers run, and how a watcher watches."""

    name: str
    environ: dict[str, str]
    without: str
    watch: Callable[[Watch, int], Coroutine[Any, Any, None]]


async def poll(watch: Watch, port: int) -> None:
    """Ask every two seconds; what was skipped is seen with the next answer."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        version = None
        while True:
            watch.requests += 1
            now = int((await http.get(PATH)).raise_for_status().json()["version"])
            version = now if version is None else version
            watch.seen += [(each, time.monotonic()) for each in range(version + 1, now + 1)]
            version = now
            await asyncio.sleep(ASK_SECONDS)


async def listen(watch: Watch, port: int) -> None:
    """Subscribe, and be told."""
    watch.requests += 1
    async with open_wire(f"ws://127.0.0.1:{port}/ws/") as wire:
        await wire.subscribe(COUNTER)
        while True:
            push = await wire.pushes.get()
            if "pub" in push:
                watch.seen.append((int(push["pub"]["data"]["version"]), time.monotonic()))


DEPLOYMENTS = (
    Deployment("WSGI alone, asking every 2 s", {"TANDEM_REALTIME_ENABLED": "0"}, "realtime", poll),
    Deployment("ASGI alone, one process", {"TANDEM_HTTP_APP": "api.asgi:application"}, "api", listen),
    Deployment("both: pages WSGI, sockets ASGI", {}, "", listen),
)


async def run(deployment: Deployment, *, clients: int, rate: float, seconds: float) -> list[str]:
    """Return a row of the table."""
    watch = Watch()
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory) / "s", environ=deployment.environ) as stack:
        stack.edge.stop()
        servers: dict[str, Server] = {"api": stack.api, "realtime": stack.realtime}
        if deployment.without:
            servers.pop(deployment.without).stop()
        pages = servers.get("api", stack.realtime).port
        watched = servers.get("realtime", stack.api).port
        async with Cable(watched) as cable, watching(deployment, watch, clients, cable.port):
            await asyncio.sleep(SETTLE_SECONDS)
            passed, requests, spent = cable.passed, watch.requests, processor_time(servers)
            began = time.monotonic()
            await press(watch, pages, rate=rate, seconds=seconds)
            took = time.monotonic() - began
            spent = {name: now - spent[name] for name, now in processor_time(servers).items()}
            passed, requests = cable.passed - passed, watch.requests - requests
            await asyncio.sleep(SETTLE_SECONDS)
    delays, changes = sorted(watch.delays()), len(watch.sent)
    return [
        deployment.name,
        f"{statistics.median(delays) * 1000:,.0f} ms",
        f"{delays[int(len(delays) * 0.95)] * 1000:,.0f} ms",
        f"{statistics.median(watch.answers) * 1000:,.0f} ms",
        f"{requests / took:,.0f}",
        f"{passed / changes / clients:,.0f}",
        f"{sum(spent.values()) / took * 100:.0f} %",
        f"{len(delays) / changes / clients * 100:.0f} %",
    ]


@asynccontextmanager
async def watching(deployment: Deployment, watch: Watch, clients: int, port: int) -> AsyncIterator[None]:
    """Have *clients* watch, spread over the time between two questions."""
    async with AsyncExitStack() as stack:
        tasks = []
        for _ in range(clients):
            tasks.append(asyncio.create_task(deployment.watch(watch, port)))
            await asyncio.sleep(ASK_SECONDS / clients)
        stack.callback(lambda: [task.cancel() for task in tasks])
        yield
        if failed := [task.exception() for task in tasks if task.done()]:
            raise RuntimeError(f"{len(failed)} of {clients} watchers ended: {failed[0]!r}")


async def press(watch: Watch, port: int, *, rate: float, seconds: float) -> None:
    """Change the counter, at fixed times, one after the other."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            sent = time.monotonic()
            answer = await http.post(f"{PATH}increment/")
            watch.answers.append(time.monotonic() - sent)
            watch.sent[int(json.loads(answer.raise_for_status().content)["version"])] = sent


def processor_time(servers: dict[str, Server]) -> dict[str, float]:
    """Return the seconds of processor time that each server and its children have had."""
    spent = {}
    for name, server in servers.items():
        assert server.process is not None
        first = psutil.Process(server.process.pid)
        times = [process.cpu_times() for process in [first, *first.children(recursive=True)]]
        spent[name] = sum(each.user + each.system for each in times)
    return spent


def table(rows: list[list[str]]) -> str:
    """Return the rows as Markdown."""
    head = [
        "",
        "delay, median",
        "delay, p95",
        "answer to a press",
        "requests a second",
        "bytes a change and watcher",
        "CPU of a core",
        "changes seen",
    ]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


async def main() -> None:
    """Run one deployment after the other."""
    parser = argparse.ArgumentParser(description="One counter, watched by many, in three deployments.")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1.0, help="changes a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    rows = [await run(each, **vars(options)) for each in DEPLOYMENTS]
    print(f"{options.clients} watchers, {options.rate:g} changes a second for {options.seconds:g} s\n\n{table(rows)}")


if __name__ == "__main__":
    asyncio.run(main())
