"""Which channels this process is a member of: joined for the first subscriber, left some time after the last."""

from __future__ import annotations

import contextlib
import logging
import time

from tandem.errors import RedisUnavailable
from tandem.namespaces import Namespaces
from tandem.scripts import StreamState
from tandem_realtime.hub.certainty import Certainty
from tandem_realtime.hub.channel import LiveChannel
from tandem_realtime.hub.joins import Joins
from tandem_realtime.hub.source import Source
from tandem_realtime.hub.streams import Streams
from tandem_realtime.hub.tasks import Tasks

logger = logging.getLogger(__name__)

FIRST_CHECK_SECONDS = 1.0
LINGER_SECONDS = 3.0
MAX_SILENT = 200
"""
How many channels linger in which nothing was ever published.

Anybody can name such channels, as many as he likes, and each costs Redis a subscription: some 330 bytes.
"""
JOIN_TRIES = 3
MAX_JOINS = 8
"""How many joins a shard does at once: thousands that it answers together would be one long turn of the event loop."""
MANY = 8
"""From more shards than that on, as the buckets of a cluster are, each does fewer."""


class Membership:
    """The live channels. `by_group` also has those that are being joined, so that nothing said meanwhile is lost."""

    def __init__(self, streams: Streams, namespaces: Namespaces, tasks: Tasks, certainty: Certainty) -> None:
        self.channels: dict[str, LiveChannel] = {}
        self.by_group: dict[str, LiveChannel] = {}
        shards = streams.shards.clients
        most = max(1, MAX_JOINS * MANY // max(MANY, len(shards)))
        self._joins = [Joins(self._join, tasks, most=most) for _ in shards]
        self._silent: dict[LiveChannel, None] = {}
        self._leaving: list[str] = []
        self._streams = streams
        self._namespaces = namespaces
        self._tasks = tasks
        self._certainty = certainty

    async def live(self, name: str, source: Source) -> LiveChannel:
        """
        Return the channel, joined. Many that ask at once cause one join.

        Raises `RedisUnavailable` or `RedisReplyError`.
        """
        if channel := self.channels.get(name):
            return channel
        return await self._joins[self._streams.shards.of(name)].wait(name, source)

    def emptied(self, channel: LiveChannel, source: Source) -> None:
        """Take note that the last subscriber of *channel* went: it is left in a while, or when too many wait so."""
        channel.empty_since = time.monotonic()
        if channel.is_silent:
            self._silent.pop(channel, None)
            self._silent[channel] = None
            if surplus := self._surplus():
                if not self._leaving:
                    self._tasks.spawn(self._leave_soon(source))
                self._leaving += self._forget(surplus)

    async def _leave_soon(self, source: Source) -> None:
        """Leave together what was forgotten in one turn of the loop: who goes with many channels leaves all of them."""
        groups, self._leaving = self._leaving, []
        await self._leave([group for group in groups if group not in self.by_group], source)

    async def leave_idle(self, source: Source) -> None:
        """Leave the channels that had no subscriber for `LINGER_SECONDS`."""
        now = time.monotonic()
        idle = [channel for channel in self.channels.values() if channel.is_idle]
        for channel in idle:  # also those whose first subscriber went away while they were joined
            if channel.is_silent and channel.empty_since < now - FIRST_CHECK_SECONDS:
                self._silent.setdefault(channel)
        due = [channel for channel in idle if channel.empty_since < now - LINGER_SECONDS]
        await self._leave(self._forget([*due, *self._surplus()]), source)

    def _surplus(self) -> list[LiveChannel]:
        """Return the silent channels that have waited longest, where too many do."""
        surplus: list[LiveChannel] = []
        while len(self._silent) > MAX_SILENT:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            if oldest.is_idle:
                surplus.append(oldest)
        return surplus

    def _forget(self, channels: list[LiveChannel]) -> list[str]:
        """Serve *channels* no more; return the groups to leave."""
        left = [channel for channel in dict.fromkeys(channels) if self.channels.get(channel.name) is channel]
        for channel in left:
            del self.channels[channel.name], self.by_group[channel.group]
            self._silent.pop(channel, None)
            self._certainty.forget(channel)
        return [channel.group for channel in left]

    async def _join(self, name: str, source: Source) -> LiveChannel:
        channel = LiveChannel(name, self._namespaces.of(name))
        self.by_group[channel.group] = channel
        try:
            state = await self._enter(channel, source)
        except BaseException:
            del self.by_group[channel.group]
            self._tasks.spawn(self._leave([channel.group], source))
            raise
        channel.check_at = time.monotonic() + FIRST_CHECK_SECONDS
        channel.empty_since = time.monotonic()
        channel.start(state)
        self.channels[name] = channel
        return channel

    async def _enter(self, channel: LiveChannel, source: Source) -> StreamState | None:
        """Try more than once: when everybody comes back at once, an error for each would only bring them all again."""
        for _ in range(JOIN_TRIES - 1):
            with contextlib.suppress(RedisUnavailable):
                return await self._enter_once(channel, source)
        return await self._enter_once(channel, source)

    async def _enter_once(self, channel: LiveChannel, source: Source) -> StreamState | None:
        self._streams.require(channel.name)
        await source.join(channel.group)
        return await self._streams.state(channel.name) if channel.namespace.has_history else None

    async def _leave(self, groups: list[str], source: Source) -> None:
        try:
            if groups:
                await source.leave(groups)
        except RedisUnavailable as error:
            logger.info("hub.leaving", extra={"reason": str(error)})
