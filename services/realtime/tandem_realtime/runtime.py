"""What lives as long as the process: the hub, the connections to Redis, the timer, and who is connected."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from functools import cache

from tandem import conf, pause
from tandem.async_shards import AsyncShards
from tandem.doctor.at_start import tell_at_start
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.layer import configured_layer
from tandem.memory import serving
from tandem.tokens import Verifier
from tandem_realtime.clock import Clock
from tandem_realtime.control import Control
from tandem_realtime.emulation import Emulation
from tandem_realtime.hub import Hub
from tandem_realtime.hub.streams import Streams
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.observing import metrics
from tandem_realtime.observing.connection_log import log
from tandem_realtime.observing.reconnects import observe_layer
from tandem_realtime.options import Options
from tandem_realtime.pausing import Pausing
from tandem_realtime.presence import Presence
from tandem_realtime.resuming import Rights
from tandem_realtime.revocations import Revocations
from tandem_realtime.session import Session
from tandem_realtime.session.costly import CostlyReads
from tandem_realtime.sessions import Sessions
from tandem_realtime.surplus import surplus_of
from tandem_realtime.wheel import Wheel


class Runtime:
    """The shared objects of one event loop."""

    def __init__(self) -> None:
        log.is_on = conf.settings().connection_log
        self.node = uuid.uuid4().hex
        self.options = Options.from_settings()
        self.namespaces = conf.namespaces()
        self.shards = AsyncShards(conf.redis_urls())
        self.costly = CostlyReads(self.shards)
        self.clock = Clock()
        self.verifier = Verifier(conf.verifying_keys(), now=self.clock.now, on_skew=self.clock.tell_skew)
        self.rights = Rights(conf.token_secrets(), seconds=conf.settings().token_seconds, now=self.clock.now)
        self.wheel = Wheel()
        self.surplus = surplus_of(asyncio.get_running_loop())
        self.presence = Presence(self.shards, self.namespaces)
        self.sessions: Sessions[Session] = Sessions()
        self.revocations = Revocations()
        self.pausing = Pausing()
        self.layer = configured_layer()
        observe_layer(self.layer)
        self.hub = Hub(self.layer, Streams(self.shards), self.namespaces, recovery_limit=self.options.recovery_limit)
        self.emulation = Emulation(self.node, self.hub, self.shards)
        self.control = Control(self.sessions, self.revocations, self.layer, self.shards)
        self._tasks = Tasks()
        self._was_ready = False

    def start(self) -> None:
        """Begin the background work. Call it in the event loop."""
        serving.serve()
        tell_at_start()
        self.hub.start()
        self.emulation.start()
        self.control.start()
        self._tasks.spawn(self.wheel.run())
        self._tasks.spawn(self._connect())
        self._tasks.spawn(self.clock.run(self.shards))
        self._tasks.spawn(self.pausing.run(self.shards))
        if pause.look is None:  # there is no outbox that knows: consumers of the project's publish, too
            pause.look = self.pausing.since
        self.presence.start()
        metrics.observe_hub(self.hub)

    def why_unready(self) -> str | None:
        """Return why this process cannot begin to work, or nothing, also while a Redis is away later."""
        self._was_ready = self._was_ready or self.control.is_ready
        return None if self._was_ready else "the log of control was not read yet"

    async def _connect(self) -> None:
        for client in self.shards.clients:
            with contextlib.suppress(RedisUnavailable, RedisReplyError):
                await client.execute("PING")

    async def stop(self) -> None:
        """End the background work and close the connections to Redis."""
        log.flush()
        if pause.look == self.pausing.since:
            pause.look = None
        await self._tasks.stop()
        await self.presence.stop()
        await self.control.stop()
        await self.emulation.stop()
        await self.hub.stop()
        await self.shards.close()


@cache
def runtime() -> Runtime:
    """Return this process's runtime, started at the first call, which is in the event loop."""
    made = Runtime()
    made.start()
    return made
