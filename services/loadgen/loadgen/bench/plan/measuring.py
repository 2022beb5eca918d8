"""
``python -m loadgen.bench.plan.measuring``: what one of each costs on this machine, for ``python -m loadgen.plan``.

Server on core 0, everything else on core 1, as in the benchmark. It takes about five minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from loadgen.bench import contenders, meters, personal, shared
from loadgen.bench.__main__ import processor
from loadgen.bench.contenders import tandem
from loadgen.bench.idle import SETTLE_SECONDS
from loadgen.bench.load import Load
from loadgen.bench.visits import WAVE, Visit
from loadgen.client import Client
from loadgen.limits import raise_file_limit
from loadgen.plan.coefficients import STORED
from rig.servers import RedisServer

CONNECTIONS = 4_000
DELIVERIES_PER_SECOND = 10_000
PROCESSES = 4
PUBLICATIONS_PER_SECOND = 100.0  # each by itself: where many are due together, one costs less
SECONDS = 25.0  # a period of pings
Found = dict[str, tuple[float, str]]
"""What was found: a value, and where it was measured."""


def main() -> int:
    """Measure everything and write it down."""
    parser = argparse.ArgumentParser(prog="python -m loadgen.bench.plan.measuring", description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="of each run (%(default)s)")
    parser.add_argument("--output", type=Path, default=STORED, help="JSON (%(default)s)")
    arguments = parser.parse_args()
    if arguments.connections < 2:
        parser.error(f"--connections {arguments.connections}: expected at least 2")
    os.sched_setaffinity(0, {contenders.GENERATOR_CORE % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory)) as redis:
        found = measure(redis.url, Path(directory), arguments.connections)
    write(found, arguments.output)
    print(arguments.output.read_text())
    return 0


def measure(redis_url: str, logs: Path, connections: int) -> Found:
    """Return every coefficient, from runs with so many *connections*."""
    raise_file_limit(connections)
    found = _one_channel(redis_url, logs, connections)
    found |= _publications(redis_url, logs, found.pop("fan-out")[0], connections, found)
    return found | _own_channels(redis_url, logs, connections, found)


def write(found: Found, path: Path) -> None:
    """Write what was *found* to *path*, with where and when."""
    coefficients = {name: {"value": float(f"{value:.4g}"), "from": where} for name, (value, where) in found.items()}
    about = {
        "measured": datetime.now(UTC).date().isoformat(),
        "by": "python -m loadgen.bench.plan.measuring",
        "processor": processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
    path.write_text(json.dumps(about | {"coefficients": coefficients}, indent=1) + "\n")


def _one_channel(redis_url: str, logs: Path, connections: int) -> Found:
    """Measure a process by itself, and connections that come, wait, hear, come back and go."""
    contender = tandem(redis_url, TANDEM_CONNECTION_LOG="1")
    load = Load(connections, DELIVERIES_PER_SECOND / connections, max(3, 50_000 // connections))
    where = f"{connections} connections, one channel"
    begin = time.monotonic()
    with contender.running(logs) as server, meters.RedisMeter(redis_url) as redis:
        found: Found = {"start_seconds": (time.monotonic() - begin, "a start")}
        stay = Visit(contender, server, Load(0, 0.0, 0), redis_url)
        try:
            stay.warm()
            before = meters.memory(stay.pid)
            found["process_bytes"] = before.resident, "20 connections come and go"
            redis_spent = redis.spent()
            found["process_cpu_us"] = nobody = stay.watch(SECONDS), f"nobody there, {SECONDS:g} s"
            found["redis_cpu_us"] = (redis.spent() - redis_spent) / SECONDS / 1e3, f"nobody there, {SECONDS:g} s"
            spent = stay.spent()
            stay.admit([Client(index, contender.channel) for index in range(connections)])
            found["join_cpu_us"] = (stay.spent() - spent) / connections / 1e3, where
            stay.swarm.run(seconds=SETTLE_SECONDS)  # the first ping comes that much later than a period at most
            idle = stay.watch(SECONDS)
            after = meters.memory(stay.pid)
            found["connection_cpu_us"] = (idle - nobody[0]) / connections, f"{where}, {SECONDS:g} s"
            found["connection_bytes"] = (after.resident - before.resident) / connections, where
            found["kernel_bytes"] = (
                (after.kernel_share - before.kernel_share) / connections,
                f"{where}, both ends halved",
            )
            stay.load = load
            stay.publish(replace(load, count=2))
            spent = stay.spent()
            seconds, published = stay.publish(load)
            found["fan-out"] = ((stay.spent() - spent) / 1e3 - idle * seconds) / published, where
            found["return_cpu_us"] = stay.recover()["recover_cpu_us"], f"{where}, 5 missed"
            spent = stay.spent()
            stay.crowd.cut_all()
            stay.swarm.run(seconds=5.0)
            found["leave_cpu_us"] = ((stay.spent() - spent) / 1e3 - nobody[0] * 5) / connections, where
        finally:
            stay.swarm.close()
    return found


def _publications(redis_url: str, logs: Path, fan_out_us: float, connections: int, found: Found) -> Found:
    """Measure publications to one subscriber at one process, and to one at each of several."""
    where = f"{PUBLICATIONS_PER_SECOND:g} a second over 200 channels, {{}} process{{}}"
    nobody, redis_nobody = (found[name][0] / PUBLICATIONS_PER_SECOND for name in ("process_cpu_us", "redis_cpu_us"))
    cpu: dict[int, list[float]] = {1: [], PROCESSES: []}
    redis: dict[int, list[float]] = {1: [], PROCESSES: []}
    for processes in (1, PROCESSES, PROCESSES, 1):  # a slow minute is both's
        each = [tandem(redis_url) for _ in range(processes)]
        spent = shared.visit(
            "plan", each, Load(200 * processes, PUBLICATIONS_PER_SECOND, 1_000, channels=200), redis_url, logs
        )
        cpu[processes].append(spent["publication_cpu_us"] - processes * nobody)
        redis[processes].append(spent["redis_publication_cpu_us"] - redis_nobody)
    one, redis_one, redis_all = fmean(cpu[1]), fmean(redis[1]), fmean(redis[PROCESSES])
    delivery = (fan_out_us - one) / (connections - 1)
    return {
        "delivery_cpu_us": (delivery, f"a publication to {connections}, less one to a single subscriber"),
        "publication_cpu_us": (one - delivery, where.format(1, "")),
        "redis_publication_cpu_us": (redis_one, where.format(1, "")),
        "redis_push_cpu_us": ((redis_all - redis_one) / (PROCESSES - 1), where.format(PROCESSES, "es") + ", less one"),
    }


def _own_channels(redis_url: str, logs: Path, connections: int, shared_by_all: Found) -> Found:
    """Measure connections with a channel each, then with presence as well; subtract what is measured already."""
    own = _held(redis_url, logs, connections, presence=False)
    present = _held(redis_url, logs, connections, presence=True)
    where = f"{connections} personal channels beside one"
    differs = f"{where} with presence, less without"
    one = {name: value for name, (value, _) in shared_by_all.items()}
    coming_and_going = one["join_cpu_us"] + one["leave_cpu_us"]
    return {
        "channel_cpu_us": (own["hold"] - one["connection_cpu_us"], f"{where}, less that one"),
        "channel_bytes": (own["bytes"] - one["connection_bytes"], f"{where}, less that one"),
        "channel_join_cpu_us": (own["join"] - coming_and_going, f"{where}, less that one"),
        "presence_cpu_us": (present["hold"] - own["hold"], differs),
        "presence_join_cpu_us": (present["join"] - own["join"], differs),
        "redis_channel_cpu_us": (own["redis_hold"] - one["redis_cpu_us"] / connections, where),
        "redis_channel_bytes": (own["redis_bytes"], where),
        "redis_channel_join_cpu_us": (own["redis_join"], where),
        "redis_presence_cpu_us": (present["redis_hold"] - own["redis_hold"], differs),
        "redis_presence_bytes": (present["redis_bytes"] - own["redis_bytes"], differs),
        "redis_presence_join_cpu_us": (present["redis_join"] - own["redis_join"], differs),
    }


def _held(redis_url: str, logs: Path, connections: int, *, presence: bool) -> dict[str, Any]:
    contender = personal.tandem(redis_url, presence=presence)
    with contender.running(logs) as server, meters.RedisMeter(redis_url) as redis:
        stay = personal.PersonalVisit(contender, server, redis_url, redis, by_connecting=False)
        try:
            stay.begin()
            before, redis_before = meters.memory(stay.pid), redis.memory()
            join = stay.join(connections, wave=WAVE)
            after, redis_after = meters.memory(stay.pid), redis.memory()
            hold, leave = stay.hold(), stay.leave()
        finally:
            stay.swarm.close()
    return {
        "join": (join.server + leave.server) / connections,
        "hold": hold.server / connections,
        "bytes": (after.resident - before.resident) / connections,
        "redis_join": (join.redis + leave.redis) / connections,
        "redis_hold": hold.redis / connections,
        "redis_bytes": (redis_after - redis_before) / connections,
    }


if __name__ == "__main__":
    sys.exit(main())
