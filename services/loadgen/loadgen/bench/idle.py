"""What idle connections cost a server: one crowd that grows, watched for a whole period of pings at each size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import linear_regression
from typing import Any, NamedTuple

from loadgen.bench import meters
from loadgen.bench.contenders import Contender
from loadgen.bench.load import Load
from loadgen.bench.visits import Visit
from loadgen.client import Client
from loadgen.limits import raise_file_limit

SETTLE_SECONDS = 3.0
WATCH_SECONDS = 25.0  # between two pings of one connection, of Tandem and of Centrifugo


class Held(NamedTuple):
    """What so many connections cost: microseconds of CPU a second, and bytes beyond what the server began with."""

    connections: int
    cpu_us: float
    process_bytes: float
    kernel_bytes: float


def visit(contender: Contender, sizes: Iterable[int], redis_url: str, logs: Path) -> list[dict[str, Any]]:
    """Let one crowd grow through *sizes*; return what each connection costs at each of them, and the slopes between."""
    sizes = sorted(sizes)
    raise_file_limit(sizes[-1])
    environment = {"TANDEM_CONNECTION_LOG": "1", "TANDEM_MAX_CONNECTIONS": str(sizes[-1] + 100)}
    with replace(contender, env=contender.env | environment).running(logs) as server:
        stay = Visit(contender, server, Load(0, 0.0, 0), redis_url)
        try:
            stay.warm()
            before = meters.memory(stay.pid)
            held = [_held(stay, size, before) for size in sizes]
        finally:
            stay.swarm.close()
    return rows(contender.name, held)


def rows(contender: str, held: Sequence[Held]) -> list[dict[str, Any]]:
    """Return the measurements: everything by the connection at each size, then what one more costs."""
    found = [
        {
            "workload": f"idle-{each.connections}",
            "contender": contender,
            "idle_cpu_us": each.cpu_us / each.connections,
            "rss_bytes": each.process_bytes / each.connections,
            "held_bytes": (each.process_bytes + each.kernel_bytes) / each.connections,
        }
        for each in held
    ]
    counts = [each.connections for each in held]
    if len(held) > 1:
        slopes = {
            "idle_cpu_us": [each.cpu_us for each in held],
            "rss_bytes": [each.process_bytes for each in held],
            "held_bytes": [each.process_bytes + each.kernel_bytes for each in held],
        }
        one_more = {metric: linear_regression(counts, values).slope for metric, values in slopes.items()}
        found.append({"workload": "idle-slope", "contender": contender, **one_more})
    return found


def _held(stay: Visit, size: int, before: meters.Memory) -> Held:
    stay.admit([Client(index, stay.channels[0]) for index in range(len(stay.crowd.clients), size)])
    stay.swarm.run(seconds=SETTLE_SECONDS)
    cpu_us = stay.watch(WATCH_SECONDS)
    after = meters.memory(stay.pid)
    return Held(size, cpu_us, after.resident - before.resident, after.kernel_share - before.kernel_share)
