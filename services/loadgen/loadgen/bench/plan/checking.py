"""
``python -m loadgen.bench.plan.checking``: whether what the calculator predicts is what one process and one Redis spend.

Coefficients are measured anew on this machine (or read: ``--coefficients``), then runs of other sizes are compared with
what they predict. Half of the clients are users with a channel of their own and presence; all share channels by 50. A
rolling restart is timed as well.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from loadgen.bench import contenders, meters, personal
from loadgen.bench.checks.stage import Finding
from loadgen.bench.load import Load
from loadgen.bench.visits import Visit
from loadgen.client import Client
from loadgen.limits import raise_file_limit
from loadgen.plan import arithmetic, coefficients
from loadgen.plan.arithmetic import Demand
from loadgen.plan.coefficients import Coefficients
from loadgen.target import Target
from rig.servers import RedisServer

from . import measuring, restarting
from .comparing import compared

SIZES = (1_000, 10_000, 18_000)
TOLERANCE = 0.3
SUBSCRIBERS = 50
PUBLICATIONS = 60.0
SETTLE_SECONDS = 2.0
SECONDS = 27.0
"""Twice the 12 to 15 s after which a process tells Redis again who is present, and a period of pings."""
NAMESPACES = contenders.NAMESPACES | {"inbox": personal.OPTIONS | {"presence": True}}


@dataclass(frozen=True)
class HalfPersonal(personal.Personal):
    """Every other client has a token, and so a channel of its own; all subscribe as well."""

    by_connecting: bool = False

    def connecting(self, index: int) -> bytes:
        """Return the frame with the connect command, of a user or of nobody."""
        return Target.connecting(self, index) if index % 2 else super().connecting(index)


def main() -> int:
    """Print every prediction with what was measured and PASS or FAIL; return 0 when all pass."""
    parser = argparse.ArgumentParser(prog="python -m loadgen.bench.plan.checking", description=__doc__)
    parser.add_argument("--sizes", type=lambda text: [int(each) for each in text.split(",")], default=list(SIZES))
    parser.add_argument("--coefficients", type=Path, help="JSON, measured on this machine; default: measure anew")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="share of the prediction (%(default)s)")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {contenders.GENERATOR_CORE % (os.cpu_count() or 1)})
    holds = True
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as redis:
        logs = Path(directory)
        if not (source := arguments.coefficients):
            source = logs / "coefficients.json"
            measuring.write(measuring.measure(redis.url, logs, measuring.CONNECTIONS), source)
        cost = coefficients.read(source)
        for finding in restarting.check(cost, redis.url, logs, arguments.tolerance):
            print(f"{restarting.CLIENTS:>6}  {finding}", flush=True)
            holds &= finding.holds
        for connections in arguments.sizes:
            for finding in check(connections, cost, redis.url, logs, arguments.tolerance):
                print(f"{connections:>6}  {finding}", flush=True)
                holds &= finding.holds
    return 0 if holds else 1


def check(connections: int, cost: Coefficients, redis_url: str, logs: Path, tolerance: float) -> Iterator[Finding]:
    """Run a process with so many *connections*; yield each figure beside what *cost* predicts of it."""
    raise_file_limit(connections)
    demand = Demand(connections, PUBLICATIONS, float(min(SUBSCRIBERS, connections)), own=0.5, presence=0.5, minutes=1e9)
    contender = contenders.tandem(
        redis_url,
        TANDEM_NAMESPACES=json.dumps(NAMESPACES),
        TANDEM_TOKEN_KEYS=personal.KEY,
        TANDEM_CONNECTION_LOG="1",
    )
    channels = max(1, connections // SUBSCRIBERS)
    with contender.running(logs) as server, meters.RedisMeter(redis_url) as redis:
        stay = Visit(contender, server, Load(0, 0.0, 0, channels), redis_url)
        stay.swarm.aim(HalfPersonal(contender.url))
        try:
            stay.warm()
            before, redis_before, spent = meters.memory(stay.pid), redis.memory(), stay.spent()
            stay.admit(
                [Client(index, stay.channels[index % channels], index % channels) for index in range(connections)]
            )
            stay.swarm.run(seconds=SETTLE_SECONDS)
            joined = (stay.spent() - spent) / 1e6
            after, redis_after = meters.memory(stay.pid), redis.memory()
            load = Load(connections, PUBLICATIONS, round(PUBLICATIONS * SECONDS), channels)
            stay.publish(replace(load, count=10))
            spent, redis_spent = stay.spent(), redis.spent()
            seconds, _ = stay.publish(load)
            cpu, redis_cpu = (stay.spent() - spent) / 1e6 / seconds, (redis.spent() - redis_spent) / 1e6 / seconds
            spent = stay.spent()
            stay.crowd.cut_all()
            stay.swarm.run(seconds=3 * SETTLE_SECONDS)
            left = (stay.spent() - spent) / 1e6
        finally:
            stay.swarm.close()
    for text, measured, predicted in (
        ("CPU, ms a second", cpu, arithmetic.realtime_cpu_us(demand, cost, 1) / 1e3),
        ("CPU of coming and going, ms", joined + left, connections * arithmetic.joining_cpu_us(demand, cost) / 1e3),
        (
            "memory of the connections, MB",
            (after.resident - before.resident) / 1e6,
            arithmetic.process_bytes(demand, cost) / 1e6,
        ),
        ("Redis: CPU, ms a second", redis_cpu, (cost.redis_cpu_us + arithmetic.redis_cpu_us(demand, cost, 1)) / 1e3),
        ("Redis: memory, MB", (redis_after - redis_before) / 1e6, arithmetic.redis_bytes(demand, cost) / 1e6),
    ):
        yield compared(text, measured, predicted, tolerance)


if __name__ == "__main__":
    sys.exit(main())
