"""What the checks share: realtime processes on one core, a crowd and a publisher on the other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadgen.bench.contenders import GENERATOR_CORE, Contender, tandem, tandem_env
from loadgen.client import Client
from loadgen.crowd import Crowd
from loadgen.deliveries import add_up
from loadgen.limits import raise_file_limit
from loadgen.publishing import Plan, Publication
from loadgen.swarm import Swarm
from loadgen.target import Target
from rig.servers import Server


@dataclass(frozen=True)
class Finding:
    """One figure, what it has to be, and whether it is."""

    text: str
    measured: Any
    limit: str
    holds: bool

    def __str__(self) -> str:
        return f"{'PASS' if self.holds else 'FAIL'}  {self.text}: {self.measured} ({self.limit})"


@dataclass
class Stage:
    """One Redis, any number of realtime processes, one swarm."""

    redis_url: str
    logs: Path
    exits: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Stage:
        os.sched_setaffinity(0, {GENERATOR_CORE % (os.cpu_count() or 1)})
        return self

    def __exit__(self, *exc: object) -> None:
        self.exits.close()

    def serve(self, *, name: str = "tandem", **env: str) -> tuple[Contender, Server]:
        """Start a realtime process with *env* in its settings."""
        contender = tandem(self.redis_url, name=name, **env)
        return contender, self.exits.enter_context(contender.running(self.logs))

    def crowd(self, contender: Contender, clients: int, *, wave: int = 100, target: Target | None = None) -> Crowd:
        """Bring *clients* in on one channel, as *target* has them do it."""
        raise_file_limit(clients + 1)
        swarm = Swarm(target or contender.target)
        self.exits.callback(swarm.close)
        crowd = Crowd(swarm, [Client(index, contender.channel) for index in range(clients)], wave=wave)
        crowd.gather(seconds=60)
        if not crowd.is_live:
            raise RuntimeError(f"{swarm.live} of {clients} clients came in: {dict(crowd.closes)}, {swarm.errors[:3]}")
        return crowd

    @contextlib.contextmanager
    def publishing(self, crowd: Crowd, *, rate: float, seconds: float, size: int = 128) -> Iterator[Publication]:
        """Publish to the crowd's channel from now on, in the background."""
        channel = crowd.clients[0].channel
        plan = Plan("redis", [channel], rate, max(1, round(rate * seconds)), size, core=GENERATOR_CORE)
        publication = Publication(plan, env=tandem_env(self.redis_url))
        try:
            crowd.swarm.run(seconds=30, until=lambda: publication.is_ready)
            crowd.swarm.measure()
            publication.begin()
            yield publication
        finally:
            publication.stop()


def whole(crowd: Crowd, publication: Publication, *, seconds: float = 15) -> Finding:
    """Wait until everything is published and everybody is back, and add up what each got."""
    swarm = crowd.swarm
    swarm.run(seconds=seconds, until=lambda: publication.is_done and crowd.is_live)
    swarm.run(seconds=1.0)
    crowd.meet([Client(-1, crowd.clients[0].channel)], seconds=10)
    totals = add_up(client.record for client in crowd.clients)
    outcome = publication.outcome
    expected = len(crowd.clients) * (outcome.published if outcome else 0)
    sums = ", ".join(f"{name} {count}" for name, count in totals.as_dict().items())
    holds = totals.is_whole and crowd.is_live and not totals.told and totals.received == expected
    return Finding("every client whole", sums, f"received {expected}, nothing else but recovered", holds)
