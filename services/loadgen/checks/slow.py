"""One client among 1,000 stops reading: it is sent away when its buffer is full, and nobody else notices."""

from __future__ import annotations

from statistics import median

from loadgen.bench import meters
from loadgen.client import Client
from loadgen.crowd import Crowd

from .stage import Finding, Stage

CLIENTS, ROUNDS, SECONDS = 1_000, 3, 8
RATE, SIZE = 10, 4_096
BUFFER_BYTES = 262_144


def check(stage: Stage) -> list[Finding]:
    """Return the slow client's code, the server's memory, and the others' p99 with and without it."""
    contender, server = stage.serve(name="slow", MAX_BUFFER_BYTES=str(BUFFER_BYTES))
    assert server.process is not None
    pid = server.process.pid
    crowd = stage.crowd(contender, CLIENTS)
    crowd.retries = False
    _publish(stage, crowd)
    alone, beside, grown, codes = [], [], [], []
    for index in range(ROUNDS):
        alone.append(_publish(stage, crowd))
        resident = meters.memory(pid).resident
        slow = Client(CLIENTS + index, contender.channel)
        crowd.swarm.open(slow, receive_buffer=4096)
        crowd.swarm.run(seconds=5, until=lambda: crowd.swarm.live > CLIENTS)
        crowd.swarm.pause(slow)
        beside.append(_publish(stage, crowd))
        grown.append(meters.memory(pid).resident - resident)
        before = crowd.closes.copy()
        crowd.swarm.resume(slow)
        crowd.swarm.run(seconds=5, until=lambda before=before: crowd.closes != before)  # type: ignore[misc]
        codes += [*(crowd.closes - before)]
    moved = median(with_slow / without for with_slow, without in zip(beside, alone, strict=True))
    most = 2 * BUFFER_BYTES
    return [
        Finding("the slow client's code", codes, "3008 each time", codes == [3008] * ROUNDS),
        Finding("the server's memory grew by, bytes", max(grown), f"<= {most}", max(grown) <= most),
        Finding("p99 of the others alone, ms", [round(value, 2) for value in alone], "", True),
        Finding("p99 of the others beside it, ms", [round(value, 2) for value in beside], "", True),
        Finding("p99 moved by the factor", round(moved, 3), "< 1.1", moved < 1.1),
    ]


def _publish(stage: Stage, crowd: Crowd) -> float:
    """Publish for a while; return the p99 in milliseconds."""
    with stage.publishing(crowd, rate=RATE, seconds=SECONDS, size=SIZE) as publication:
        expected = CLIENTS * RATE * SECONDS
        crowd.swarm.run(seconds=SECONDS + 5, until=lambda: publication.is_done and crowd.swarm.received >= expected)
        return crowd.swarm.latencies.percentile(99)
