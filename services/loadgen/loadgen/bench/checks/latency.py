"""Ten publications a second to 2,000 sockets, generator and server on a core each."""

from __future__ import annotations

from .stage import Finding, Stage

CLIENTS, RATE, SECONDS = 2_000, 10, 20
LIMIT_MS = 60


def check(stage: Stage) -> list[Finding]:
    """Return the percentiles from the intended send time to received."""
    contender, _ = stage.serve(name="latency")
    crowd = stage.crowd(contender, CLIENTS)
    with stage.publishing(crowd, rate=RATE, seconds=2) as publication:
        crowd.swarm.run(seconds=5, until=lambda: publication.is_done)
    expected = CLIENTS * RATE * SECONDS
    with stage.publishing(crowd, rate=RATE, seconds=SECONDS) as publication:
        crowd.swarm.run(seconds=SECONDS + 10, until=lambda: crowd.swarm.received >= expected)
    summary, saturation = crowd.swarm.latencies.summary(), crowd.swarm.saturation
    return [
        Finding("received", crowd.swarm.received, str(expected), crowd.swarm.received == expected),
        Finding("publish to received", summary, f"p99 <= {LIMIT_MS} ms", summary["p99_ms"] <= LIMIT_MS),
        Finding("generator", saturation.summary(), "not saturated", not saturation.is_saturated),
    ]
