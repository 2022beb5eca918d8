"""What seeing costs: CPU at 2,000 sockets, and series with 10,000 channels and users."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import timeit
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from rig.servers import RedisServer
from rig.wire import open_wire
from tandem.tokens import connection_token
from tandem_realtime.observing import metrics
from tandem_realtime.observing.histogram import Histogram
from test_seeing import TOKEN_KEY, Pod, holding

SCRAPE_SECONDS = 15
SCRAPES = 20


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of its own: the load is for nobody else."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def pod(redis: RedisServer, tmp_path: Path) -> Iterator[Pod]:
    """One realtime process."""
    pod = Pod("realtime-0", redis, tmp_path / "realtime.log")
    with pod.server:
        yield pod


PUBLISH = """
import sys, time
from django.conf import settings
import os
settings.configure()
import tandem
channel, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
started = time.monotonic()
for number in range(int(rate * seconds)):
    time.sleep(max(0.0, started + number / rate - time.monotonic()))
    tandem.publish(channel, {"number": number, "padding": "x" * 100})
"""


def cpu_seconds(pod: Pod) -> float:
    """User and system time of the process so far."""
    assert pod.server.process is not None
    times = psutil.Process(pod.server.process.pid).cpu_times()
    return times.user + times.system


def cost_of_one_publication() -> float:
    """Seconds for everything that is counted when one publication passes: two histograms, four integers."""
    fanout, delivery, counts = Histogram(metrics.FAST), Histogram(metrics.LATENCY), metrics.Counts()

    def count() -> None:
        counts.publications_received += 1
        started = time.perf_counter()
        counts.publications_delivered += 2000
        counts.bytes_sent += 2000 * 128
        fanout.observe(time.perf_counter() - started)
        delivery.observe(max(0.0, time.time() * 1000 - 1) / 1000)

    return min(timeit.repeat(count, number=10_000, repeat=5)) / 10_000


def test_metrics_cost_little(pod: Pod, redis: RedisServer) -> None:
    """
    Counting, the scrape, the lag probe and the canary take less than 2 % of the CPU that 2,000 sockets under load take.

    Load: 10 publications a second to all. What is counted per publication is timed by itself; scrapes on the process.
    """
    rate, seconds = 10.0, 10.0
    environ = {**os.environ, "TANDEM_DEBUG": "1", "TANDEM_REDIS_URLS": redis.url}
    with holding(2000, pod), httpx.Client(base_url=f"http://127.0.0.1:{pod.private_port}") as private:
        private.get("/metrics")
        before = cpu_seconds(pod)
        for _ in range(SCRAPES):
            private.get("/metrics")
        scrape = (cpu_seconds(pod) - before) / SCRAPES

        before = cpu_seconds(pod)
        command = [sys.executable, "-c", PUBLISH, "public:held", str(rate), str(seconds)]
        started = time.monotonic()
        subprocess.run(command, env=environ, check=True)
        load = (cpu_seconds(pod) - before) / (time.monotonic() - started)

    counting = cost_of_one_publication() * rate
    share = (scrape / SCRAPE_SECONDS + counting) / load
    print(f"load {load:.3f} CPU; scrape {scrape * 1000:.1f} ms; counting {counting * 1e6:.1f} us/s; {share:.3%} of it")
    assert share < 0.02


def series(pod: Pod) -> set[str]:
    """Every series that the process tells, without its value."""
    text = httpx.get(f"http://127.0.0.1:{pod.private_port}/metrics").text
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


async def visit(pod: Pod, number: int, turn: asyncio.Semaphore) -> None:
    """Be another user, in another channel, and misbehave in another way."""
    async with turn:
        token = connection_token(TOKEN_KEY, f"user-{number}")
        async with open_wire(pod.url, token=token, additional_headers={"User-Agent": f"agent-{number}"}) as wire:
            await wire.subscribe(f"public:channel-{number}")
            await wire.command(rpc={"method": f"method-{number}"})
            await wire.command(subscribe={"channel": f"namespace-{number}:x"})


@pytest.mark.parametrize("visitors", [500, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_channels_and_users_add_no_series(pod: Pod, visitors: int) -> None:
    """Whoever comes, in whatever channel, Prometheus has as many series as after the first few."""
    turn = asyncio.Semaphore(50)
    for number in range(5):
        await visit(pod, number, turn)
    before = series(pod)

    await asyncio.gather(*(visit(pod, number, turn) for number in range(5, visitors)))

    assert series(pod) - before == set()
    assert len(before) < 300
