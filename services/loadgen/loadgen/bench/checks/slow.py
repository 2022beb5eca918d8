"""One client among 1,000 stops reading: it is sent away when its buffer is full, and nobody else notices."""

from __future__ import annotations

import http.client
from statistics import median

from loadgen.bench import meters
from loadgen.bench.contenders import Contender
from loadgen.client import Client
from loadgen.crowd import Crowd

from .stage import Finding, Stage

CLIENTS, ROUNDS, SECONDS = 1_000, 5, 6
RATE, SIZE = 10, 12_288
BUFFER_BYTES = 262_144


def check(stage: Stage) -> list[Finding]:
    """Return the slow client's code, the server's memory, and the others' p99 with and without it."""
    contender, server = stage.serve(name="slow", TANDEM_MAX_BUFFER_BYTES=str(BUFFER_BYTES), TANDEM_SLOW_SECONDS="0.5")
    assert server.process is not None
    pid = server.process.pid
    crowd = stage.crowd(contender, CLIENTS)
    crowd.retries = False
    _publish(stage, crowd)
    alone, beside, grown = [], [], []
    for index in range(ROUNDS):
        alone.append(_publish(stage, crowd))
        resident = meters.memory(pid).resident
        slow = _SlowReader(crowd, contender, index)
        beside.append(_publish(stage, crowd))
        grown.append(meters.memory(pid).resident - resident)
        slow.finish()
    moved = median(with_slow / without for with_slow, without in zip(beside, alone, strict=True))
    most = 2 * BUFFER_BYTES
    return [
        Finding("the slow clients' codes", dict(crowd.closes), "3008 each time", crowd.closes == {3008: ROUNDS}),
        Finding("the server's memory grew by, bytes", max(grown), f"<= {most}", max(grown) <= most),
        Finding("p99 of the others alone, ms", [round(value, 2) for value in alone], "for comparison", True),
        Finding("p99 of the others beside it, ms", [round(value, 2) for value in beside], "for comparison", True),
        Finding("p99 moved by the factor", round(moved, 3), "< 1.1", moved < 1.1),
    ]


class _SlowReader:
    """A client that stops reading, until the server has sent it away; then it reads what it was told."""

    def __init__(self, crowd: Crowd, contender: Contender, index: int) -> None:
        self.crowd, self.contender = crowd, contender
        self.counted = self._sent_away()
        self.closes = crowd.closes.total()
        self.client = Client(CLIENTS + index, contender.channel)
        crowd.swarm.open(self.client, receive_buffer=4096)
        crowd.swarm.run(seconds=5, until=lambda: crowd.swarm.live > CLIENTS)
        crowd.swarm.pause(self.client)
        self.is_paused = True
        crowd.swarm.timers.after(1.0, self._look)

    def finish(self) -> None:
        """Read to the end."""
        if self.is_paused:
            self.crowd.swarm.resume(self.client)
        self.crowd.swarm.run(seconds=5, until=lambda: self.crowd.closes.total() > self.closes)
        self.crowd.swarm.cut(self.client)

    def _look(self) -> None:
        if self._sent_away() > self.counted:
            self.crowd.swarm.resume(self.client)
            self.is_paused = False
        elif self.is_paused:
            self.crowd.swarm.timers.after(1.0, self._look)

    def _sent_away(self) -> float:
        """Return how many slow readers the server says it has sent away."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.contender.env["TANDEM_PRIVATE_PORT"]), timeout=5)
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
        connection.close()
        return sum(float(line.split()[1]) for line in lines if line.startswith("tandem_slow_disconnects_total"))


def _publish(stage: Stage, crowd: Crowd) -> float:
    """Publish for a while; return the p99 in milliseconds."""
    with stage.publishing(crowd, rate=RATE, seconds=SECONDS, size=SIZE) as publication:
        expected = CLIENTS * RATE * SECONDS
        crowd.swarm.run(seconds=SECONDS + 5, until=lambda: publication.is_done and crowd.swarm.received >= expected)
        return crowd.swarm.latencies.percentile(99)
