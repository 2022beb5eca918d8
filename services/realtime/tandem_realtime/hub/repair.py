"""Make a channel whole again: read from its stream what the channel layer lost, or tell every subscriber."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.scripts import StreamState
from tandem_realtime.hub.certainty import Certainty
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.delivery import Delivery
from tandem_realtime.hub.streams import Found, Streams
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.observing import metrics

logger = logging.getLogger(__name__)

GRACE_SECONDS = 0.2
RECENT_SECONDS = 60
RETRY_SECONDS = 0.25
RESTORED_TRIES = 8
WAIT_SECONDS = 1.0


class Repairs:
    """Repairs and position checks. *tell* is called with a channel whose subscribers must be told."""

    def __init__(
        self,
        streams: Streams,
        delivery: Delivery,
        tasks: Tasks,
        tell: Callable[[LiveChannel], None],
        certainty: Certainty,
        *,
        limit: int,
    ) -> None:
        self._streams = streams
        self._delivery = delivery
        self._tasks = tasks
        self._tell = tell
        self._certainty = certainty
        self._limit = limit

    def start(self, channel: LiveChannel) -> None:
        """Read what follows the channel's position, unless that is being done or nobody can say where it stands."""
        if channel.is_live and not channel.is_repairing:
            channel.repaired = asyncio.get_running_loop().create_future()
            self._tasks.spawn(self._repair(channel, channel.repaired))

    async def wait(self, channel: LiveChannel) -> None:
        """Repair *channel* and return when that is done. Raises `RedisUnavailable` when it takes more than a second."""
        self.start(channel)
        if channel.repaired is not None:
            _, pending = await asyncio.wait([channel.repaired], timeout=WAIT_SECONDS)
            if pending:
                raise RedisUnavailable(f"{channel.name} could not be read within {WAIT_SECONDS} s")

    async def check_restored(self, channels: Iterable[LiveChannel]) -> None:
        """
        Check *channels*, of which nothing could be heard for a while, as soon as Redis answers.

        What hears and what asks come back each by itself, within half a second: whoever waits for what was missed need
        not wait for the next tick as well.
        """
        unknown = list(channels)
        for _ in range(RESTORED_TRIES):
            unknown = await self.check(unknown)
            if not unknown:
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def check(self, channels: Iterable[LiveChannel]) -> list[LiveChannel]:
        """Compare where *channels* stand with their streams; repair those that do not agree. Return those unknown."""
        due = {channel.name: channel for channel in channels if channel.is_live and channel.namespace.has_history}
        now = time.monotonic()
        for channel in due.values():
            channel.check_at = now + channel.check_seconds * random.uniform(0.8, 1.0)
            channel.recent.forget_before(int((time.time() - RECENT_SECONDS) * 1000))
        unknown = []
        async for name, state in self._streams.check([(name, channel.position) for name, channel in due.items()]):
            self._compare(due[name], state)
            if state is None:
                unknown.append(due[name])
        return unknown

    def _compare(self, channel: LiveChannel, state: StreamState | None) -> None:
        if state is None:
            metrics.position_checks["error"] += 1
            channel.check_at = time.monotonic() + 1
            self._certainty.doubt(channel)
        elif state.position.epoch != channel.position.epoch:
            self.start(channel)
        elif state.position.offset > channel.position.offset:
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._confirm, channel, state.position.offset)
        else:
            metrics.position_checks["ok"] += 1
            self._certainty.vouch(channel)

    def _confirm(self, channel: LiveChannel, offset: int) -> None:
        """Repair, unless the publications that the stream was ahead by have arrived meanwhile."""
        is_behind = channel.position.offset < offset
        metrics.position_checks["behind" if is_behind else "ok"] += 1
        if is_behind:
            self.start(channel)
        else:
            self._certainty.vouch(channel)

    async def _repair(self, channel: LiveChannel, repaired: asyncio.Future[None]) -> None:
        try:
            self._settle(channel, await self._read(channel))
        finally:
            channel.repaired = None
            if not repaired.done():
                repaired.set_result(None)
        if channel.held:
            self.start(channel)

    async def _read(self, channel: LiveChannel) -> Found:
        limit = max(channel.namespace.history_size, self._limit)
        is_told = False
        while True:
            try:
                return await self._streams.read(channel.name, channel.position, limit)
            except (RedisUnavailable, RedisReplyError) as error:
                if not is_told:
                    logger.warning("hub.repair_waits", extra={"channel": channel.name, "reason": str(error)})
                is_told = True
                await asyncio.sleep(RETRY_SECONDS)

    def _settle(self, channel: LiveChannel, found: Found) -> None:
        is_behind = found.state.position.offset > channel.position.offset
        due = channel.fill(found)
        if due is None:
            metrics.position_checks["reset"] += 1
            self._tell(channel)
            self._certainty.vouch(channel)
            return
        if is_behind:
            metrics.counts.gaps_repaired += 1
        for publication in due:
            self._delivery.add(channel, publication)
        self._delivery.flush()
        self._certainty.vouch(channel)
