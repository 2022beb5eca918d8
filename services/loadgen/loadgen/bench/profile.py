"""``python -m loadgen.bench.profile``: where Tandem's processor time goes, for each thing it does."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadgen.bench import contenders
from loadgen.bench.load import Load
from loadgen.bench.visits import Visit
from loadgen.sampling import costs
from rig.servers import RedisServer, Server, wait_until

_EVERYTHING = 0.98  # the loop's own frames are in every stack and say nothing
_TICKS = os.sysconf("SC_CLK_TCK")


class Profile:
    """A visit whose server is sampled; each part of it is printed by itself."""

    def __init__(self, visit: Visit, server: Server, samples: Path, top: int) -> None:
        self.visit, self.server, self.samples, self.top = visit, server, samples, top

    def part(self, title: str, action: Callable[[], Any], operations: Callable[[], int]) -> None:
        """Do *action*; print what each of its *operations* cost, and where."""
        self._collect()
        before = self._times()
        action()
        user, system = (after - start for after, start in zip(self._times(), before, strict=True))
        stacks = self._collect()
        each = (user + system) / operations() * 1e6
        print(f"\n== {title}: {each:.1f} us of CPU each, {system / (user + system):.0%} of it in the kernel")
        print(f"   ({operations()} times, {sum(stacks.values())} samples)")
        for heading, shares in zip(("with what it calls", "by itself, by line"), costs(stacks), strict=True):
            print(f"   -- {heading}")
            telling = [each for each in shares if each[1] < _EVERYTHING]
            for name, share in telling[: self.top]:
                print(f"   {share:6.1%} {share * each:8.1f} us  {name}")

    def _times(self) -> tuple[float, float]:
        fields = Path(f"/proc/{self.visit.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS

    def _collect(self) -> dict[str, int]:
        lines = len(self.samples.read_text().splitlines()) if self.samples.exists() else 0
        self.server.signal(signal.SIGUSR2)
        wait_until(lambda: self.samples.exists() and len(self.samples.read_text().splitlines()) > lines)
        time.sleep(0.05)
        found: dict[str, int] = json.loads(self.samples.read_text().splitlines()[-1])
        return found


def main() -> int:
    """Profile connecting, delivering, recovering, and single publications."""
    parser = argparse.ArgumentParser(prog="python -m loadgen.bench.profile", description=__doc__)
    parser.add_argument("--clients", type=int, default=2_000)
    parser.add_argument("--top", type=int, default=25, help="lines of each list")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {contenders.GENERATOR_CORE % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as redis:
        fanout = Load(arguments.clients, 10_000 / arguments.clients, 200)
        single = Load(200, 2_000, 12_000, channels=200)
        for load in (fanout, single):
            _profile(load, redis.url, Path(directory), arguments.top)
    return 0


def _profile(load: Load, redis_url: str, directory: Path, top: int) -> None:
    samples = directory / f"samples-{load.channels}"
    contender = contenders.tandem(redis_url)
    contender = replace(contender, command=[sys.executable, "-m", "loadgen.sampling", str(samples), "tandem_realtime"])
    with contender.running(directory) as server:
        visit = Visit(contender, server, load, redis_url)
        profile = Profile(visit, server, samples, top)
        try:
            visit.warm()
            profile.part("connect + subscribe", visit.connect, lambda: load.clients)
            visit.publish(replace(load, rate=load.channels * 5, count=load.channels))
            what = "publication to one subscriber" if load.channels > 1 else "delivery"
            profile.part(what, lambda: visit.publish(load), lambda: visit.swarm.received)
            if load.channels == 1:
                profile.part("connect + subscribe + recover", visit.recover, lambda: load.clients)
        finally:
            visit.swarm.close()


if __name__ == "__main__":
    sys.exit(main())
