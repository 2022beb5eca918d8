"""A rolling restart of several processes, as Kubernetes does it: the next one starts while the last one drains."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from loadgen.bench.checks.stage import Finding, Stage
from loadgen.client import Client
from loadgen.plan import arithmetic
from loadgen.plan.arithmetic import Demand
from loadgen.plan.coefficients import Coefficients

from .comparing import compared

PROCESSES, CLIENTS = 3, 600
DRAIN_SECONDS = 5


def check(cost: Coefficients, redis_url: str, logs: Path, tolerance: float) -> list[Finding]:
    """Replace every process, one after the other; return how long it took until all clients were at the new ones."""
    share = CLIENTS // PROCESSES
    demand = Demand(
        CLIENTS, 0.0, own=0, pod_connections=share, drain_seconds=DRAIN_SECONDS, ready_seconds=0, minutes=1e9
    )
    with Stage(redis_url, logs) as stage:
        drain = {"TANDEM_DRAIN_SECONDS": str(DRAIN_SECONDS)}
        old = [stage.serve(name=f"old-{number}", **drain) for number in range(PROCESSES)]
        crowd = stage.crowd(old[0][0], share)
        for contender, _ in old[1:]:
            crowd.swarm.aim(contender.target)
            crowd.clients += [Client(len(crowd.clients) + index, contender.channel) for index in range(share)]
            crowd.gather(seconds=60)
        begin = time.monotonic()
        for number, (_, server) in enumerate(old):
            contender, _ = stage.serve(name=f"new-{number}", **drain)
            crowd.swarm.aim(contender.target)
            server.signal(signal.SIGTERM)
        processes = [server.process for _, server in old if server.process is not None]
        crowd.swarm.run(
            seconds=DRAIN_SECONDS + 20,
            until=lambda: crowd.is_live and all(each.poll() is not None for each in processes),
        )
        took = time.monotonic() - begin
    predicted = arithmetic.plan(demand, cost).deploy_seconds
    return [
        compared(f"rolling restart of {PROCESSES}, seconds", took, predicted, tolerance),
        Finding("close codes", dict(crowd.closes), f"3001 for all {CLIENTS}", crowd.closes == {3001: CLIENTS}),
    ]
