"""What each scenario does with its clients."""

from __future__ import annotations

import time
from dataclasses import replace

from . import limits
from .client import Client, State
from .crowd import Crowd
from .deliveries import add_up
from .options import Options
from .publishing import Outcome, Plan, Publication
from .report import Report
from .schedule import shard_range
from .swarm import Swarm

GATHER_SECONDS = 120.0
GRACE_SECONDS = 10.0
FIRST_PUBLICATION_SECONDS = 120.0


class Run:
    """One run of one scenario."""

    def __init__(self, options: Options) -> None:
        self.options = options
        names = options.channel_names
        indexes = shard_range(options.clients, options.shard, options.shards)
        limits.raise_file_limit(len(indexes) + len(names))
        self.swarm = Swarm(options.target, wall_clock=options.wall_clock)
        if options.target.by_path:
            self.swarm.by_number = len(names)
        clients = [Client(index, names[index % len(names)], index % len(names)) for index in indexes]
        wave = len(clients) if options.scenario == "storm" else options.wave
        self.crowd = Crowd(self.swarm, clients, wave=wave, seed=options.seed)
        self.report = Report(options.scenario, options.url, len(clients))
        self.plan = Plan(
            kind=options.publisher,
            channels=names,
            rate=options.rate,
            count=options.publications,
            size=options.size,
            wall_clock=options.wall_clock,
            url=options.url,
            token=options.token,
            where={"api_url": options.api_url, "api_key": options.api_key},
        )

    def execute(self) -> Report:
        """Do it, and say what happened."""
        report, crowd = self.report, self.crowd
        try:
            report.connect_seconds = round(crowd.gather(seconds=GATHER_SECONDS), 3)
            report.live = self.swarm.live
            if report.live < report.clients:
                report.failures.append(f"{report.clients - report.live} clients never got in")
            else:
                getattr(self, f"_{self.options.scenario}")()
            self._finish()
        finally:
            self.swarm.close()
        return report

    def _fanout(self) -> None:
        self._publish(self._expected())

    _channels = _fanout

    def _idle(self) -> None:
        self.swarm.measure()
        self.swarm.run(seconds=self.options.duration)

    def _storm(self) -> None:
        if not self.options.missed:
            return
        self.crowd.cut_all()
        self.plan = replace(self.plan, count=self.options.missed, rate=1000.0)
        self._publish(0)
        self.report.connect_seconds = round(self.crowd.gather(seconds=GATHER_SECONDS), 3)
        self._compare_with_newcomers()

    def _verify(self) -> None:
        every = self.options.cut_every or self.options.duration / 10
        for client in self.crowd.clients:
            self._cut_later(client, every, time.monotonic() + self.options.duration)
        self._publish(0)
        self.swarm.run(seconds=self.options.away + GRACE_SECONDS, until=lambda: self.crowd.is_live)
        self.swarm.run(seconds=0.5)
        self._compare_with_newcomers()

    def _cut_later(self, client: Client, every: float, end: float) -> None:
        random, swarm = self.crowd.random, self.swarm

        def cut() -> None:
            if time.monotonic() > end:
                return
            if client.state == State.LIVE:
                swarm.cut(client, abort=random.random() < 0.5)
                self.crowd.come_back(client, in_seconds=random.uniform(0, self.options.away))
            swarm.timers.after(random.expovariate(1 / every), cut)

        swarm.timers.after(random.expovariate(1 / every), cut)

    def _expected(self) -> int:
        return sum(self.plan.schedule.expected(client.channel_index) for client in self.crowd.clients)

    def _publish(self, deliveries: int) -> None:
        """Publish by the plan, until so many *deliveries* are here (0: until all is published)."""
        self.report.expected = self._expected()
        if self.options.shard or self.plan.kind == "none":
            self._listen(deliveries)
            return
        publication = Publication(self.plan)
        try:
            self.swarm.run(seconds=30, until=lambda: publication.is_ready)
            self.swarm.run(seconds=self.options.settle)
            self.swarm.measure()
            begin = publication.begin()
            seconds = self.plan.count / self.plan.rate + GRACE_SECONDS
            self.swarm.run(seconds=seconds, until=lambda: self._is_over(publication, deliveries))
            self.report.seconds = (time.monotonic_ns() - begin) / 1e9
            self._published(publication.outcome or Outcome(error="publishing did not end in time"))
        finally:
            publication.stop()

    def _listen(self, deliveries: int) -> None:
        """Another shard publishes: count what comes."""
        self.swarm.measure()
        self.swarm.run(seconds=FIRST_PUBLICATION_SECONDS, until=lambda: self.swarm.received > 0)
        begin = time.monotonic()
        self.swarm.run(
            seconds=self.options.duration + GRACE_SECONDS, until=lambda: 0 < deliveries <= self.swarm.received
        )
        self.report.seconds = time.monotonic() - begin

    def _is_over(self, publication: Publication, deliveries: int) -> bool:
        if not publication.is_done or publication.outcome is None:
            return False
        return bool(publication.outcome.error) or self.swarm.received >= deliveries

    def _published(self, outcome: Outcome) -> None:
        self.report.published = outcome.published
        self.report.publish_late_ms = round(outcome.late_ms, 3)
        if outcome.error:
            self.report.failures.append(f"publishing: {outcome.error}")

    def _compare_with_newcomers(self) -> None:
        """End the count: someone who subscribes now is told where the stream stands."""
        if self.options.target.by_path:
            return
        newcomers = [Client(-1 - i, name, i) for i, name in enumerate(self.plan.channels)]
        self.crowd.meet(newcomers, seconds=GRACE_SECONDS)

    def _finish(self) -> None:
        report, swarm, crowd = self.report, self.swarm, self.crowd
        totals = add_up(client.record for client in crowd.clients)
        report.received = swarm.received if self.options.scenario in ("fanout", "channels") else totals.received
        report.live = min(swarm.live, report.clients)
        report.connect = crowd.opened.summary()
        report.latency = swarm.latencies.summary() if swarm.latencies.total else {}
        report.deliveries = totals.as_dict()
        report.closes = {str(code): count for code, count in sorted(crowd.closes.items())}
        report.generator = swarm.saturation.summary()
        if not totals.is_whole:
            report.failures.append("not everything was received once and in order")
        if report.received != report.expected and not totals.told:
            report.failures.append(f"received {report.received}, expected {report.expected}")
        report.failures += [f"server error: {text}" for text in swarm.errors[:5]]
        if swarm.saturation.is_saturated:
            report.notes.append("the generator was saturated: latencies say more about it than about the server")
        if self.options.wall_clock:
            report.notes.append("latencies are by the wall clock: right as far as the hosts' clocks agree")
        if swarm.foreign:
            report.notes.append(f"{swarm.foreign} publications were not ours")
