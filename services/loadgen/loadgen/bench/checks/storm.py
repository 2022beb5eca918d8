"""5,000 clients come back, all at once, after their process was killed and started again on one core."""

from __future__ import annotations

import time

from loadgen.bench.contenders import SERVER_CORE, on_core

from .stage import Finding, Stage, whole

CLIENTS, SECONDS = 5_000, 10


def check(stage: Stage) -> list[Finding]:
    """Return how long it took from the kill until everybody was whole."""
    contender, server = stage.serve(name="storm")
    crowd = stage.crowd(contender, CLIENTS)
    with stage.publishing(crowd, rate=2, seconds=SECONDS * 1.5) as publication:
        crowd.swarm.run(seconds=1.0)
        begin = time.monotonic()
        server.kill()
        with on_core(SERVER_CORE):
            _restart(server)
        crowd.swarm.run(seconds=60, until=lambda: crowd.swarm.live < CLIENTS)
        crowd.swarm.run(seconds=60, until=lambda: crowd.is_live)
        took = time.monotonic() - begin
        totals = whole(crowd, publication)
    return [
        Finding("kill to everybody back, seconds", round(took, 2), f"<= {SECONDS}", took <= SECONDS),
        totals,
    ]


def _restart(server: object) -> None:
    """Start the process again without waiting for it: the clients are trying already."""
    import subprocess

    from rig.servers import Server

    assert isinstance(server, Server)
    assert server.log is not None
    with server.log.open("ab") as log:
        server.process = subprocess.Popen(server.command, env=server.env, cwd=server.cwd, stdout=log, stderr=log)
