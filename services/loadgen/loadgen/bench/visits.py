"""One visit to one server: bring clients in, publish, and note what the server spent."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadgen.bench import meters
from loadgen.bench.contenders import GENERATOR_CORE, Contender, tandem_env
from loadgen.bench.core import CORE
from loadgen.bench.load import Load
from loadgen.client import Client
from loadgen.crowd import Crowd
from loadgen.deliveries import add_up
from loadgen.limits import raise_file_limit
from loadgen.publishing import Plan, Publication
from loadgen.swarm import Swarm
from rig.servers import Server

MISSED = 5
WAVE = 100


class VisitFailed(RuntimeError):
    """A server did not do what the benchmark measures."""


class Visit:
    """Clients of one server, from one swarm in this process."""

    def __init__(self, contender: Contender, server: Server, load: Load, redis_url: str) -> None:
        assert server.process is not None
        raise_file_limit(load.clients)
        self.contender, self.load, self.redis_url = contender, load, redis_url
        self.pid = server.process.pid
        self.swarm = Swarm(contender.target)
        if not contender.target.has_offsets:
            self.swarm.by_number = load.channels
        base = contender.channel
        self.channels = [base] if load.channels == 1 else [f"{base}.{index}" for index in range(load.channels)]
        clients = [
            Client(index, self.channels[index % load.channels], index % load.channels) for index in range(load.clients)
        ]
        self.crowd = Crowd(self.swarm, clients, wave=WAVE)
        self.sent = 0

    def warm(self) -> None:
        """Let the server import, compile and allocate what it needs once: a few clients come and go."""
        clients = [Client(index, self.channels[0]) for index in range(20)]
        crowd = Crowd(self.swarm, clients, wave=len(clients))
        crowd.gather(seconds=20)
        crowd.cut_all()
        self.swarm.observer = self.crowd
        self.swarm.run(seconds=0.3)

    def connect(self) -> dict[str, float]:
        """Bring everybody in; return what each cost the server, and what each holds."""
        core = self.settle()
        before, spent = meters.memory(self.pid), self.spent()
        seconds = self.crowd.gather(seconds=180)
        spent = self.spent() - spent
        self._all_live()
        self.swarm.run(seconds=0.5)
        after = meters.memory(self.pid)
        each = self.load.clients
        return {
            "connect_cpu_us": spent / each / 1e3,
            "connect_wall_s": seconds,
            "connect_p99_ms": self.crowd.opened.percentile(99),
            "connect_core_us": core,
            "rss_bytes": (after.resident - before.resident) / each,
            "kernel_bytes": (after.socket_buffers - before.socket_buffers) / each,
        }

    def admit(self, clients: Sequence[Client]) -> None:
        """Bring *clients* in as well, who stay."""
        self.crowd.clients += clients
        self.crowd.gather(seconds=180)
        self._all_live()

    def watch(self, seconds: float) -> float:
        """Return what the server spends while nobody does anything: microseconds of CPU a second."""
        begin, spent = time.monotonic(), self.spent()
        self.swarm.run(seconds=seconds)
        spent = self.spent() - spent
        self._all_live()
        return spent / (time.monotonic() - begin) / 1e3

    def settle(self) -> float:
        """Wait until nobody disturbs the server's core, as far as that is worth waiting for; return its `look`."""
        return CORE.settle(lambda seconds: self.swarm.run(seconds=seconds))

    def spent(self) -> int:
        """Return the processor time of the server until now, in nanoseconds."""
        return meters.cpu_ns(self.pid)

    def recover(self) -> dict[str, float]:
        """Cut everybody, publish a little, bring everybody back at once from where they stood."""
        self.crowd.cut_all()
        self.swarm.run(seconds=1.0)
        self.publish(Load(0, 1000.0, MISSED))
        self.crowd.wave = self.load.clients
        core = self.settle()
        spent = self.spent()
        seconds = self.crowd.gather(seconds=180)
        spent = self.spent() - spent
        self._all_live()
        recovered = add_up(client.record for client in self.crowd.clients).recovered
        if recovered != self.load.clients:
            raise VisitFailed(f"{self.contender.name}: {recovered} of {self.load.clients} recovered")
        each = spent / self.load.clients / 1e3
        return {"recover_cpu_us": each, "recover_wall_s": seconds, "recover_core_us": core}

    def deliver(self) -> dict[str, Any]:
        """Publish by the load; return what each delivery cost the server, and how long it took."""
        self.publish(
            Load(self.load.clients, max(5.0, float(self.load.channels)), self.load.warming, self.load.channels)
        )
        self.swarm.run(seconds=0.3)
        core = self.settle()
        spent = self.spent()
        seconds, published = self.publish(self.load)
        spent = self.spent() - spent
        received = self.swarm.received
        totals = add_up(client.record for client in self.crowd.clients)
        if not totals.is_whole:
            raise VisitFailed(f"{self.contender.name}: {totals}")
        return {
            "delivery_cpu_us": spent / received / 1e3,
            "publication_cpu_us": spent / published / 1e3,
            "publications_per_s": published / seconds,
            "publications_per_core_s": published / spent * 1e9,
            "deliveries_per_s": received / seconds,
            "server_busy": spent / seconds / 1e9,
            "delivery_core_us": core,
            **self.swarm.latencies.summary(),
            **self.swarm.saturation.summary(),
        }

    def publish(self, load: Load) -> tuple[float, int]:
        """Publish *load* and wait until everything has arrived; return seconds and publications."""
        plan = Plan(
            kind=self.contender.publisher,
            channels=self.channels,
            rate=load.rate,
            count=load.count,
            size=load.size,
            first_number=self.sent,
            where=self.contender.where,
            core=GENERATOR_CORE,
        )
        publication = Publication(plan, env=tandem_env(self.redis_url))
        try:
            self.swarm.run(seconds=30, until=lambda: publication.is_ready)
            self.swarm.measure()
            begin = publication.begin()
            if load.backlog:
                begin = self._let_pile_up(publication, load)
            self._await(publication, load)
            seconds = (time.monotonic_ns() - begin) / 1e9
        finally:
            publication.stop()
        outcome = publication.outcome
        if outcome is None or outcome.error:
            raise VisitFailed(f"{self.contender.name}: publishing: {outcome and outcome.error}")
        self.sent += outcome.published
        return seconds, outcome.published

    def _let_pile_up(self, publication: Publication, load: Load) -> int:
        """Stop the server until all is published; return when it went on, in monotonic nanoseconds."""
        os.kill(self.pid, signal.SIGSTOP)
        self.swarm.run(seconds=load.count / load.rate + 60, until=lambda: publication.is_done)
        os.kill(self.pid, signal.SIGCONT)
        return time.monotonic_ns()

    def _await(self, publication: Publication, load: Load) -> None:
        each = load.clients // load.channels

        def is_over() -> bool:
            if not publication.is_done or publication.outcome is None:
                return False
            return self.swarm.received >= publication.outcome.published * each

        if not self.swarm.run(seconds=load.count / load.rate + 60, until=is_over):
            raise VisitFailed(f"{self.contender.name}: {self.swarm.received} deliveries, then nothing")

    def _all_live(self) -> None:
        if not self.crowd.is_live or self.crowd.lost_for_good or self.swarm.errors:
            wanted = len(self.crowd.clients)
            text = f"{self.swarm.live} of {wanted} live, {dict(self.crowd.closes)} {self.swarm.errors[:3]}"
            raise VisitFailed(f"{self.contender.name}: {text}")


def visit(contender: Contender, load: Load, redis_url: str, logs: Path, *, recover: bool = False) -> dict[str, Any]:
    """Start *contender*, put *load* on it, stop it; return what was measured."""
    with contender.running(logs) as server:
        stay = Visit(contender, server, load, redis_url)
        try:
            stay.warm()
            found = stay.connect() | stay.deliver()
            if recover and contender.recovers:
                found |= stay.recover()
        finally:
            stay.swarm.close()
    return {"contender": contender.name, **asdict(load), **found}
