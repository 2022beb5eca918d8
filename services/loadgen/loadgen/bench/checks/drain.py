"""2,000 sockets drained over 10 seconds while publications flow; everybody goes on at a second process."""

from __future__ import annotations

import signal
import time
from collections import Counter

from .stage import Finding, Stage, whole

CLIENTS, SECONDS = 2_000, 10


def check(stage: Stage) -> list[Finding]:
    """Return codes, spread, exit status and totals."""
    first, server = stage.serve(name="drain-1", TANDEM_DRAIN_SECONDS=str(SECONDS))
    second, _ = stage.serve(name="drain-2")
    crowd = stage.crowd(first, CLIENTS)
    with stage.publishing(crowd, rate=10, seconds=SECONDS * 1.5) as publication:
        crowd.swarm.run(seconds=1.0)
        crowd.swarm.aim(second.target)
        begin = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.process is not None
        process = server.process
        crowd.swarm.run(seconds=SECONDS + 20, until=lambda: process.poll() is not None)
        totals = whole(crowd, publication)
    per_second = Counter(int(moment - begin) for moment in crowd.closed_at)
    busiest = max(per_second.values(), default=0)
    mean = CLIENTS / SECONDS
    last = max((moment - begin for moment in crowd.closed_at), default=0.0)
    return [
        Finding("close codes", dict(crowd.closes), f"3001 for all {CLIENTS}", crowd.closes == {3001: CLIENTS}),
        Finding("most closes in a second", busiest, f"<= {2 * mean:g}", 0 < busiest <= 2 * mean),
        Finding("last close, seconds", round(last, 2), f"<= {SECONDS + 2}", last <= SECONDS + 2),
        Finding("exit status", process.returncode, "0", process.returncode == 0),
        totals,
    ]
