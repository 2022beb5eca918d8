"""``python -m loadgen.bench``: every workload, every contender, interleaved, several times over."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from loadgen.bench import contenders, figure, idle, peers, personal, shared, summary, workloads
from loadgen.bench.visits import visit
from loadgen.limits import is_bearable
from rig.servers import SERVICES, RedisServer

RESULTS = SERVICES.parent / ".demo" / "bench"
# A backlog waits in Redis until the server goes on; by default Redis would cut its subscriber off.
_REDIS_OPTIONS = ("--client-output-buffer-limit", "pubsub 0 0 0")
_CONTENDERS = (
    "floor",
    "tandem",
    *workloads.PEERS,
    *workloads.STOCK,
    "tandem-redis-py",
    *workloads.DIALECTS,
    workloads.TWO,
)
_PACKAGES = (
    "channels",
    "channels-redis",
    "daphne",
    "django",
    "hiredis",
    "redis",
    "twisted",
    "uvicorn",
    "uvloop",
    "websockets",
)


def main() -> int:
    """Run the benchmark; return 0 when every limit holds."""
    arguments = _arguments()
    arguments.output.mkdir(parents=True, exist_ok=True)
    measurements: list[summary.Measurement] = []
    os.sched_setaffinity(0, {contenders.GENERATOR_CORE % (os.cpu_count() or 1)})
    with tempfile.TemporaryDirectory() as directory, RedisServer(Path(directory), *_REDIS_OPTIONS) as redis:
        for run in range(arguments.runs):
            for workload in workloads.all_workloads(arguments.sizes, arguments.idle_sizes, seconds=arguments.seconds):
                if arguments.only in workload.name:
                    measurements += _round(run, workload, redis.url, arguments)
            _write(arguments.output / "bench.json", measurements)
    print(summary.table(measurements))
    if arguments.figure:
        figure.draw(measurements, arguments.output / arguments.figure)
    return 0 if all(verdict["holds"] for verdict in summary.verdicts(measurements)) else 1


def _round(run: int, workload: workloads.Workload, redis_url: str, arguments: argparse.Namespace) -> list[Any]:
    """Visit each contender once; every other run in the opposite order."""
    found = []
    names = [name for name in workload.loads if name in arguments.contenders]
    for name in names if run % 2 == 0 else reversed(names):
        begin = time.monotonic()
        try:
            measured = _measure(workload, name, redis_url, arguments.output)
        except (RuntimeError, TimeoutError) as error:
            print(f"run {run + 1} {workload.name}: {error}", file=sys.stderr)
            continue
        found += [{"run": run, "workload": workload.name, **each} for each in measured]
        print(f"run {run + 1} {workload.name} {name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return found


def _measure(workload: workloads.Workload, name: str, redis_url: str, logs: Path) -> list[dict[str, Any]]:
    load = workload.loads[name]
    if workload.kind == "idle":
        return idle.visit(_contender(name, redis_url), workload.sizes, redis_url, logs)
    if workload.kind == "personal":
        return personal.visit(personal.tandem(redis_url), workload.sizes, redis_url, logs)
    if workload.kind == "shared":
        processes = [contenders.tandem(redis_url) for _ in range(workloads.PROCESSES[name])]
        return [shared.visit(name, processes, load, redis_url, logs)]
    return [visit(_contender(name, redis_url), load, redis_url, logs, recover=workload.recover)]


def _contender(name: str, redis_url: str) -> contenders.Contender:
    if name == "floor":
        return contenders.floor()
    if name in workloads.STOCK:
        return contenders.stock(redis_url, name=name)
    if name in workloads.PEERS:
        return peers.PEERS[name](redis_url)
    if name == "tandem":
        return contenders.tandem(redis_url)
    if name in workloads.DIALECTS:
        return contenders.tandem(redis_url, name=name, dialect=workloads.DIALECTS[name])
    return contenders.tandem(redis_url, name=name, DJANGO_SETTINGS_MODULE="loadgen.bench.plain_layer")


def _write(path: Path, measurements: list[summary.Measurement]) -> None:
    host = {
        "processor": processor(),
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES} | peers.versions(),
        "limits": [asdict(limit) for limit in workloads.LIMITS],
    }
    path.write_text(json.dumps(host | {"verdicts": summary.verdicts(measurements), "runs": measurements}, indent=1))


def processor() -> str:
    """Return what the kernel calls the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _arguments() -> argparse.Namespace:
    def integers(text: str) -> tuple[int, ...]:
        return tuple(int(item) for item in text.split(","))

    def names(text: str) -> list[str]:
        return text.split(",")

    parser = argparse.ArgumentParser(prog="python -m loadgen.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sizes", type=integers, default=workloads.SIZES, help="connections, comma separated")
    parser.add_argument(
        "--idle-sizes", type=integers, default=_bearable(workloads.IDLE_SIZES), help="idle connections, comma separated"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of publishing, in each visit")
    parser.add_argument("--only", default="", help="workloads whose name has this in it")
    parser.add_argument(
        "--contenders", type=names, help="comma separated; all that are here, of " + ", ".join(_CONTENDERS)
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder for bench.json, logs and the picture")
    parser.add_argument("--figure", default="bench.svg", help="name of the picture; empty for none")
    arguments = parser.parse_args()
    try:
        arguments.contenders = _taking_part(arguments.contenders)
    except ValueError as error:
        parser.error(str(error))
    return arguments


def _bearable(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return those of *sizes* that the limit of open files bears."""
    return tuple(size for size in sizes if is_bearable(size))


def _taking_part(asked: list[str] | None) -> list[str]:
    """Return who is *asked* for, all of whom must be here, or everybody who is."""
    wanting = peers.absent()
    for name in asked or ():
        if name not in _CONTENDERS or name in wanting:
            raise ValueError(f"--contenders {name}: expected {wanting.get(name) or ', '.join(_CONTENDERS)}")
    if asked:
        return asked
    for name, what in wanting.items():
        print(f"{name} does not take part, it wants {what}", file=sys.stderr)
    return [name for name in _CONTENDERS if name not in wanting]


if __name__ == "__main__":
    sys.exit(main())
