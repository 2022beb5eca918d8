"""
Live visitors, run in a pod: each subscribes, comes back by its position, and keeps a record of every offset.

Meanwhile counters are pressed and pages read. Ends when /tmp/stop exists, and prints one line of JSON. What it takes
beside the standard library is in the image of realtime: websockets. The text of this file is the pod's argument.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import http.client
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

STOP = Path("/tmp/stop")
SETTLE_SECONDS = 20
PATH = "/api/counters/demo/"


def is_over() -> bool:
    """Tell whether the end was asked for."""
    return STOP.exists()


class Record:
    """What one visitor saw."""

    def __init__(self) -> None:
        self.position: tuple[str, int] | None = None
        self.received = self.gaps = self.twice = self.recovered = self.told = 0
        self.away_since: float | None = time.time()

    def begin(self, reply: dict[str, Any]) -> None:
        """Take the reply to a subscribe."""
        here = (reply.get("epoch", ""), reply.get("offset", 0))
        if self.position is None or not reply.get("recovered"):
            self.told += self.position is not None
            self.position = here
            return
        self.recovered += 1
        for publication in reply.get("publications", []):
            self.take(publication)
        self.gaps += self.position[1] != here[1]
        self.position = here

    def take(self, publication: dict[str, Any]) -> None:
        """Take a publication: the next one, or there is something wrong."""
        assert self.position is not None
        epoch, last = self.position
        offset = publication["offset"]
        self.received += 1
        self.twice += offset <= last
        self.gaps += offset > last + 1
        self.position = (epoch, max(offset, last))


class Visitors:
    """All of them, and what happened to them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.records = [Record() for _ in range(options.clients)]
        self.closes: collections.Counter[str] = collections.Counter()
        self.refusals: collections.Counter[str] = collections.Counter()
        self.http: collections.Counter[str] = collections.Counter()
        self.failed: list[tuple[float, str]] = []
        self.aways: list[float] = []
        self.slowest = 0.0
        self.pressed = 0
        self.threads = ThreadPoolExecutor(options.readers + 8)

    async def run(self) -> dict[str, Any]:
        """Come, stay until the end is asked for, and tell."""
        before = await self.value()
        visits = [asyncio.create_task(self.visit(record)) for record in self.records]
        await self.until(lambda: not any(record.away_since for record in self.records), 120)
        self.aways.clear()
        work = [asyncio.create_task(self.press())] if self.options.presses else []
        work += [asyncio.create_task(self.read()) for _ in range(self.options.readers)]
        print("ready", flush=True)
        while not is_over():
            await asyncio.sleep(0.2)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        settled = await self.until(self.is_settled, SETTLE_SECONDS)
        report = self.report(before, await self.value(), settled)
        for task in visits:
            task.cancel()
        return report

    def report(self, before: int | None, after: int | None, settled: bool) -> dict[str, Any]:
        """Return what there is to tell."""
        sums = {
            name: sum(getattr(record, name) for record in self.records)
            for name in ("received", "gaps", "twice", "recovered", "told")
        }
        return {
            "clients": len(self.records),
            **sums,
            "settled": settled,
            "still_away": sum(record.away_since is not None for record in self.records),
            "closes": dict(self.closes),
            "refusals": dict(self.refusals.most_common(6)),
            "away_seconds": round(max(self.aways, default=0.0), 1),
            "came_back": len(self.aways),
            "http": dict(self.http),
            "slowest_http": round(self.slowest, 1),
            "failed": self.failed[:1] + self.failed[-1:],
            "pressed": self.pressed,
            "counted": None if before is None or after is None else after - before,
        }

    def is_settled(self) -> bool:
        """Tell whether all are here, at one position."""
        is_here = not any(record.away_since for record in self.records)
        return is_here and len({record.position for record in self.records}) <= 1

    async def until(self, condition: Any, seconds: float) -> bool:
        """Wait for *condition*; tell whether it came."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.2)
        return True

    async def visit(self, record: Record) -> None:
        """Be there, and come back whenever that ends, as the SDKs do: soon, then less often."""
        await asyncio.sleep(random.random() * len(self.records) / 100)
        delay = 0.2
        while True:
            try:
                async with connect(
                    self.options.ws, compression=None, ping_interval=None, open_timeout=10, close_timeout=1
                ) as socket:
                    delay = await self.stay(socket, record)
            except ConnectionClosed as closed:
                delay = 0.2
                self.closes[str(closed.rcvd.code if closed.rcvd else 1006)] += 1
            except (OSError, TimeoutError, WebSocketException) as error:
                self.refusals[f"{type(error).__name__}: {error}"[:80]] += 1
            record.away_since = record.away_since or time.time()
            await asyncio.sleep(random.uniform(0, delay))
            delay = min(delay * 2, 3.0)

    async def stay(self, socket: ClientConnection, record: Record) -> float:
        """Read one connection until it ends."""
        await socket.send('{"id":1,"connect":{}}')
        await self.subscribe(socket, record)
        while True:
            for line in str(await socket.recv()).splitlines():
                message = json.loads(line)
                if not message:
                    await socket.send("{}")
                elif "error" in message:
                    self.refusals[json.dumps(message["error"])[:80]] += 1
                    await asyncio.sleep(random.uniform(0.1, 0.5))
                    await self.subscribe(socket, record)
                elif "subscribe" in message:
                    record.begin(message["subscribe"])
                    if record.away_since:
                        self.aways.append(time.time() - record.away_since)
                        record.away_since = None
                elif "pub" in message.get("push", {}):
                    record.take(message["push"]["pub"])
                elif "unsubscribe" in message.get("push", {}):
                    self.refusals[f"unsubscribed {message['push']['unsubscribe'].get('code')}"] += 1
                    await self.subscribe(socket, record)

    async def subscribe(self, socket: ClientConnection, record: Record) -> None:
        """Subscribe, from where its record stands."""
        epoch, offset = record.position or ("", 0)
        since = {"recover": True, "epoch": epoch, "offset": offset} if record.position else {}
        await socket.send(json.dumps({"id": 2, "subscribe": {"channel": self.options.channel, **since}}))

    async def press(self) -> None:
        """Press the counter, so many times a second."""
        while True:
            began = time.monotonic()
            status = await self.ask("POST", f"{PATH}increment/")
            self.pressed += status in (200, 201)
            await asyncio.sleep(max(0.0, 1 / self.options.presses - (time.monotonic() - began)))

    async def read(self) -> None:
        """Read a page, each second."""
        await asyncio.sleep(random.random())
        while True:
            await self.ask("GET", self.options.page)
            await asyncio.sleep(1)

    async def ask(self, method: str, path: str) -> int:
        """Send one request on a connection of its own, and count the answer."""
        began = time.time()
        status, said = await asyncio.get_running_loop().run_in_executor(self.threads, self.request, method, path)
        self.slowest = max(self.slowest, time.time() - began)
        self.http[f"{method} {said}"] += 1
        if status >= 500 or not status:
            self.failed.append((round(time.time(), 1), f"{method} {said}"))
        return status

    def request(self, method: str, path: str) -> tuple[int, str]:
        """Return the status and what to call it; 0: there was no answer."""
        connection = http.client.HTTPConnection(self.options.host, timeout=30)
        try:
            body = b"{}" if method == "POST" else None
            headers = {"Content-Type": "application/json", "Host": self.options.as_host or self.options.host}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            self.body = response.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, f"{type(error).__name__} {error}"[:60]
        finally:
            connection.close()
        return response.status, str(response.status)

    async def value(self) -> int | None:
        """Return where the counter stands."""
        if not self.options.presses:
            return None
        for _ in range(20):
            if (await self.ask("GET", PATH)) == 200:
                return int(json.loads(self.body)["value"])
            await asyncio.sleep(1)
        return None


def main() -> None:
    """Read the options, visit, and print the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--as-host", default="")
    parser.add_argument("--ws", required=True)
    parser.add_argument("--channel", default="public:counter.demo")
    parser.add_argument("--page", default="/counter/")
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--presses", type=float, default=5)
    parser.add_argument("--readers", type=int, default=0)
    print(json.dumps(asyncio.run(Visitors(parser.parse_args()).run())), flush=True)
    os._exit(0)  # threads may still wait for an answer


if __name__ == "__main__":
    main()
