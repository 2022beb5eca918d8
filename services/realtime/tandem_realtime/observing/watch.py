"""What watches the process from inside: canaries, lag, warnings; and what tells of it: private port and census."""

from __future__ import annotations

import logging
from typing import Any

from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.observing import health, metrics
from tandem_realtime.observing.canary import Canary, canary_channels, oldest
from tandem_realtime.observing.census import Census
from tandem_realtime.observing.lag import LagProbe
from tandem_realtime.observing.recent_warnings import RecentWarnings
from tandem_realtime.runtime import Runtime, runtime
from tandem_realtime.server import Server
from tandem_realtime.server.reactor import event_loop


class Watch:
    """Watches one server and the runtime behind it, from `start` to `stop`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._tasks = Tasks()
        self._canaries: list[Canary] = []
        self._lag: LagProbe | None = None
        self._recent_warnings = RecentWarnings()
        self._census: Census | None = None
        logging.getLogger().addHandler(self._recent_warnings)
        self.checks: dict[str, health.Check] = {
            "draining": lambda: "draining" if server.is_draining else None,
            "control": lambda: runtime().why_unready(),
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
        self._census = Census(runtime(), self._server, self._recent_warnings)
        self._tasks.spawn(self._census.start())

    async def stop(self) -> None:
        """Stop watching; what the private port tells of the canaries stays as it is."""
        if self._lag is not None:
            self._lag.stop()
        if self._census is not None:
            await self._census.stop()
        await self._tasks.stop()


def _canaries(runtime: Runtime) -> list[Canary]:
    channels = canary_channels(runtime.node, len(runtime.shards.clients))
    return [Canary(channel, runtime.hub, runtime.shards) for channel in channels]
