"""What watches the process from inside: canaries, the event loop's lag, and the private port that tells of both."""

from __future__ import annotations

from typing import Any

from realtime import health, metrics
from realtime.canary import Canary, canary_channels, first_problem, oldest
from realtime.hub.tasks import Tasks
from realtime.lag import LagProbe
from realtime.runtime import Runtime, runtime
from realtime.server import Server
from realtime.server.reactor import event_loop


class Watch:
    """Watches one server and the runtime behind it, from `start` to `stop`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tasks = Tasks()
        self._canaries: list[Canary] = []
        self._lag: LagProbe | None = None
        self.checks: dict[str, health.Check] = {
            "draining": lambda: "draining" if server.is_draining else None,
            "redis": lambda: runtime().why_unready(),
            "canary": lambda: first_problem(self._canaries) if self._canaries else "not started",
        }
        metrics.observe_server(server)
        metrics.observe_canary(lambda: oldest(self._canaries))

    def listen(self, reactor: Any, port: int, host: str) -> None:
        """Open the private port, and begin to watch as soon as the event loop runs."""
        health.listen(reactor, port, host, self.checks)
        event_loop().call_soon(self.start)  # Twisted's callWhenRunning comes before the loop runs

    def start(self) -> None:
        """Begin to watch. Call it in the event loop."""
        self._lag = LagProbe(event_loop())
        self._canaries = _canaries(runtime())
        for canary in self._canaries:
            self._tasks.spawn(canary.run())

    async def stop(self) -> None:
        """Stop watching; what the private port tells of the canaries stays as it is."""
        if self._lag is not None:
            self._lag.stop()
        await self._tasks.stop()


def _canaries(runtime: Runtime) -> list[Canary]:
    channels = canary_channels(runtime.node, len(runtime.shards.clients))
    return [Canary(channel, runtime.hub, runtime.shards) for channel in channels]
