"""What an idle subscribed connection holds."""

from __future__ import annotations

from loadgen.bench import meters

from .stage import Finding, Stage

FIRST, CLIENTS = 200, 5_000
LIMIT_BYTES = 27_000


def check(stage: Stage) -> list[Finding]:
    """Return the resident bytes that each connection after the first 200 adds."""
    contender, server = stage.serve(name="memory")
    assert server.process is not None
    stage.crowd(contender, FIRST)
    before = meters.memory(server.process.pid)
    stage.crowd(contender, CLIENTS)
    after = meters.memory(server.process.pid)
    each = (after.resident - before.resident) / CLIENTS
    buffers = (after.socket_buffers - before.socket_buffers) / CLIENTS
    return [
        Finding("resident bytes of a connection", round(each), f"<= {LIMIT_BYTES}", each <= LIMIT_BYTES),
        Finding("kernel buffers of a connection, bytes", round(buffers), "both ends", True),
    ]
