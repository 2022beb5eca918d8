"""From live publications to local connections: who wants which channel, and from which position on."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tandem.errors import RedisUnavailable
from tandem.namespaces import Namespaces
from tandem.publication import Position, Publication, from_message
from tandem_realtime.hub.attendance import Attendance, News
from tandem_realtime.hub.certainty import Certainty
from tandem_realtime.hub.channel import LiveChannel, Reading, Recovery
from tandem_realtime.hub.delivery import Delivery
from tandem_realtime.hub.judgement import Judgement
from tandem_realtime.hub.membership import Membership
from tandem_realtime.hub.repair import Repairs
from tandem_realtime.hub.source import Message, source_over
from tandem_realtime.hub.streams import Streams
from tandem_realtime.hub.subscription import Subscription
from tandem_realtime.hub.tasks import Tasks
from tandem_realtime.observing import metrics
from tandem_realtime.second import next_second
from tandem_realtime.surplus import surplus_of

logger = logging.getLogger(__name__)

MAX_READS = 5

Handler = Callable[[dict[str, Any]], None]


class Admission(NamedTuple):
    """A subscription that begins at `position`; `missed` is None unless a recovery was asked for and succeeded."""

    position: Position
    missed: list[Publication] | None


class Hub:
    """
    Serve every subscription of this process. Create it and `start` it in the event loop.

    *recovery_limit* is the most publications that one recovery returns; 0: as many as the stream has.
    """

    def __init__(self, layer: Any, streams: Streams, namespaces: Namespaces, *, recovery_limit: int = 0) -> None:
        self.recovery_limit = recovery_limit
        self._tasks = Tasks()
        self._streams = streams
        self._delivery = Delivery()
        self._attendance = Attendance(self._delivery.flush)
        self._handlers: dict[str, Handler] = {}
        self._on_restored: dict[str, Callable[[], None]] = {}
        self._certainty = Certainty()
        self._members = Membership(streams, namespaces, self._tasks, self._certainty)
        self._repairs = Repairs(streams, self._delivery, self._tasks, self._tell, self._certainty, limit=recovery_limit)
        self._source = source_over(layer, self._receive, self._delivery.flush, self._watch, self._tasks)

    @property
    def subscription_count(self) -> int:
        """How many subscriptions are served now."""
        return sum(channel.subscriber_count for channel in self._members.channels.values())

    @property
    def channels(self) -> dict[str, LiveChannel]:
        """The channels that are served now, by name."""
        return self._members.channels

    def start(self) -> None:
        """Begin the position checks."""
        self._tasks.spawn(self._tick())

    async def stop(self) -> None:
        """End every background task."""
        await self._tasks.stop()

    async def handle(self, group: str, handler: Handler, *, on_restored: Callable[[], None] | None = None) -> None:
        """
        Call *handler* with every message of *group*, from now on or from when Redis is there.

        Messages may have been lost when *on_restored* is called.
        """
        self._handlers[group] = handler
        if on_restored is not None:
            self._on_restored[group] = on_restored
        try:
            await self._source.join(group)
        except RedisUnavailable as error:
            logger.warning("hub.waiting", extra={"group": group, "reason": str(error)})

    # Subscriptions

    def admit(self, subscription: Subscription, since: Position | None) -> Admission | None:
        """Serve *subscription* from memory and at once, or return None where `subscribe` must ask Redis."""
        channel = self._members.channels.get(subscription.channel)
        if channel is None:
            return None
        missed: list[Publication] | Recovery = Recovery.LOST
        if since is not None and channel.namespace.has_history:
            missed = channel.recover(since, self.recovery_limit)
            if missed is Recovery.ASK:
                return None
        return self._add(channel, subscription, missed)

    async def subscribe(self, subscription: Subscription, since: Position | None) -> Admission:
        """
        Serve *subscription* from now on, without a gap or a repeat after *since*.

        Raises `RedisUnavailable` or `RedisReplyError`; then it is not served.
        """
        reads = 0
        while True:
            channel = await self._members.live(subscription.channel, self._source)
            if admission := self.admit(subscription, since):
                return admission
            assert since is not None  # without a position a live channel always admits
            if channel.reading is not None:
                missed = await self._recover_with(channel, since, channel.reading)
            elif reads == MAX_READS:
                # Publications come faster than they can be read.
                return self._add(channel, subscription, Recovery.LOST)
            else:
                reads += 1
                missed = await self._recover(channel, since)
            # While Redis was asked, the channel may have been left as idle.
            if missed is not Recovery.ASK and self._members.channels.get(channel.name) is channel:
                return self._add(channel, subscription, missed)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Serve *subscription* no more. Membership in the channel lingers, since many come back at once."""
        channel = self._members.channels.get(subscription.channel)
        if channel is not None:
            self._delivery.flush()
            channel.remove(subscription)
            if channel.is_idle:
                self._members.emptied(channel, self._source)

    def hold(self, subscription: Subscription) -> None:
        """In place of serving *subscription*, have its channel stay, so that it can be served again at once."""
        channel = self._members.channels[subscription.channel]
        channel.holders += 1
        self.unsubscribe(subscription)

    def release(self, subscription: Subscription) -> None:
        """Take note that *subscription*, for which a channel was held, has begun or never will."""
        channel = self._members.channels[subscription.channel]
        channel.holders -= 1
        if channel.is_idle:
            self._members.emptied(channel, self._source)

    def is_doubted(self, name: str) -> bool:
        """Tell whether a channel may have more than this process could hear of it."""
        channel = self._members.channels.get(name)
        return channel is not None and self._certainty.is_doubted(channel)

    def latest(self, name: str) -> list[Publication]:
        """Return the last publication of a channel, if it is in memory: see `remember_latest`."""
        channel = self._members.channels[name]
        last = channel.recent.last
        return [last] if last is not None and last.offset == channel.position.offset else []

    async def remember_latest(self, name: str) -> None:
        """Have the last publication of a channel in memory. Raises `RedisUnavailable` or `RedisReplyError`."""
        channel = await self._members.live(name, self._source)
        if channel.position.offset and not self.latest(name):
            channel.remember(await self._streams.read(name, None, 1, reverse=True))

    def _add(self, channel: LiveChannel, subscription: Subscription, missed: list[Publication] | Recovery) -> Admission:
        # What is due goes to those who were there before.
        self._delivery.flush()
        channel.add(subscription)
        if self._certainty.is_doubted(channel):  # told after the answer, which is made in this turn of the loop
            asyncio.get_running_loop().call_soon(self._certainty.remind, channel, subscription)
        return Admission(channel.position, missed if isinstance(missed, list) else None)

    async def _recover(self, channel: LiveChannel, since: Position) -> list[Publication] | Recovery:
        """Ask the stream what follows *since*. One read at a time for a channel: its answer often serves the next."""
        since = channel.resolve(since)
        reading = channel.reading = Reading(since, asyncio.get_running_loop().create_future())
        found = None
        try:
            found = await self._streams.read_all(channel.name, since)
        finally:
            channel.reading = None
            reading.found.set_result(found)
        channel.remember(found)
        if channel.is_behind(found, since):
            await self._repairs.wait(channel)
            return Recovery.ASK
        return channel.recover(since, self.recovery_limit, found)

    async def _recover_with(
        self, channel: LiveChannel, since: Position, reading: Reading
    ) -> list[Publication] | Recovery:
        """Wait for what another one reads, and take it where it has what follows *since*."""
        await asyncio.wait([reading.found])
        if (surplus := surplus_of(asyncio.get_running_loop())).is_turn_over():  # others have waited for the same
            await surplus.turn()
        found, since = reading.found.result(), channel.resolve(since)
        is_same = since == reading.since
        is_part = since.epoch == reading.since.epoch and since.offset > reading.since.offset
        if found is None or not (is_same or is_part) or channel.is_behind(found, since):
            return Recovery.ASK
        missed = channel.recover(since, self.recovery_limit, found)
        return Recovery.ASK if missed is Recovery.LOST and not is_same else missed

    # What comes from the layer

    def _receive(self, group: str, message: Message) -> None:
        channel = self._members.by_group.get(group)
        if channel is None:
            handler = self._handlers.get(group)
            if handler and isinstance(message, dict):
                handler(message)
            return
        publication = message if isinstance(message, Publication) else self._read(channel, message)
        if publication is None:
            return
        metrics.counts.publications_received += 1
        verdict = channel.take(publication)
        if verdict is Judgement.DELIVER:
            self._delivery.add(channel, publication)
        elif verdict is Judgement.REPAIR:
            self._repairs.start(channel)

    def _read(self, channel: LiveChannel, message: dict[str, Any]) -> Publication | None:
        """Read what anybody's ``group_send`` sent; carry out a join or leave."""
        try:
            kind = message.get("type")
            if kind in ("join", "leave"):
                self._attendance.tell(channel, News(kind, message["info"].encode()))
                return None
            if kind != "publication":
                raise ValueError(f"a message of type {kind!r}, not a publication")
            return from_message(channel.name, message)
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            logger.warning("hub.malformed", extra={"channel": channel.name, "reason": str(error)})
            return None

    def _watch(self, event: str, groups: Sequence[str]) -> None:
        """A lost connection may have lost anything: check every channel as soon as there is one again."""
        by_group = self._members.by_group
        known = [by_group[group] for group in groups if group in by_group and by_group[group].is_live]
        if event != "restored":
            self._certainty.lost(known)
            return
        for group in self._on_restored.keys() & groups:
            self._on_restored[group]()
        self._certainty.restored(known)
        for channel in known:
            if not channel.namespace.has_history:
                self._tell(channel)
                self._certainty.vouch(channel)
        self._tasks.spawn(self._repairs.check_restored(known))

    def _tell(self, channel: LiveChannel) -> None:
        """Tell everyone in *channel* that it can no longer be told without a hole."""
        self._delivery.flush()
        logger.warning("hub.state_lost", extra={"channel": channel.name, "subscribers": channel.subscriber_count})
        for subscription in channel.subscriptions:
            subscription.owner.state_lost(subscription)

    async def _tick(self) -> None:
        while True:
            await next_second()
            try:
                now = time.monotonic()
                await self._members.leave_idle(self._source)
                await self._repairs.check([c for c in self._members.channels.values() if c.check_at <= now])
            except Exception:  # this loop keeps the promise: it outlives any bug, and the log tells of it
                logger.exception("hub.tick")
