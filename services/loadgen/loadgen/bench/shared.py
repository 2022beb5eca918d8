"""Processes that share the clients of one, all of them on its core: what a delivery costs in all."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from loadgen.bench import meters
from loadgen.bench.contenders import Contender
from loadgen.bench.load import Load
from loadgen.bench.visits import Visit
from rig.servers import Server


class SharedVisit(Visit):
    """Clients of several processes, to each of which as many come."""

    def __init__(self, processes: list[tuple[Contender, Server]], load: Load, redis_url: str) -> None:
        super().__init__(*processes[0], load, redis_url)
        self.targets = [contender.target for contender, _ in processes]
        self.pids = [server.process.pid for _, server in processes if server.process is not None]

    def gather(self) -> None:
        """Bring everybody in, process by process."""
        everybody = self.crowd.clients
        self.crowd.clients = []
        share = len(everybody) // len(self.targets)
        for index, target in enumerate(self.targets):
            self.swarm.aim(target)
            self.admit(everybody[index * share : (index + 1) * share])

    def spent(self) -> int:
        """Return the processor time of all processes until now, in nanoseconds."""
        return sum(meters.cpu_ns(pid) for pid in self.pids)


def visit(name: str, processes: list[Contender], load: Load, redis_url: str, logs: Path) -> dict[str, Any]:
    """Start *processes*, put *load* on all of them together, stop them; return what was measured."""
    with ExitStack() as stack:
        running = [
            (each, stack.enter_context(replace(each, name=f"{name}-{number}").running(logs)))
            for number, each in enumerate(processes, 1)
        ]
        stay = SharedVisit(running, load, redis_url)
        redis = stack.enter_context(meters.RedisMeter(redis_url))
        try:
            stay.gather()
            spent = redis.spent()
            found = stay.deliver()
            spent = redis.spent() - spent
            return {
                "contender": name,
                **asdict(load),
                **found,
                "redis_publication_cpu_us": spent / (load.warming + load.count) / 1e3,
            }
        finally:
            stay.swarm.close()
