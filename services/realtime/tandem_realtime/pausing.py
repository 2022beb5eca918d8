"""
Whether what clients publish is refused, while Redis is exchanged for another one: they do not all hear the same one.

A mark in Redis says so. Whoever pauses waits until every process has looked: see `tandem.pause_mark`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime

from tandem.async_shards import AsyncShards
from tandem.errors import PublishingPaused, RedisReplyError, RedisUnavailable
from tandem.namespaces import CONTROL_CHANNEL
from tandem.pause import tell_paused
from tandem.pause_mark import look_command, parse_mark
from tandem.repeats import Repeats
from tandem_realtime.second import next_second

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
FIRST_SECONDS = 1.0

_UNKNOWN = "whether publishing is paused was not read from Redis yet"


class Pausing:
    """
    What this process knows of the pause: as of a second ago, or, while Redis does not answer, as of then.

    It `is_on` until Redis has answered once.
    """

    def __init__(self) -> None:
        self.is_on = True
        self._since: datetime | None = None
        self._has_begun = asyncio.Event()
        self._repeats = Repeats(logger)

    def since(self) -> datetime | None:
        """Return since when there is a pause, as far as is known."""
        return self._since

    async def refuse(self) -> None:
        """Raise `PublishingPaused` while it is on; a process that has just started waits for Redis's first answer."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_begun.wait(), FIRST_SECONDS)
        if self.is_on:
            raise PublishingPaused(tell_paused(self._since) if self._since else _UNKNOWN)

    async def run(self, shards: AsyncShards) -> None:
        """Look until cancelled."""
        client = shards.clients[shards.of(CONTROL_CHANNEL)]
        while True:
            try:
                self.take(parse_mark(await client.execute(*look_command())))
            except (RedisUnavailable, RedisReplyError) as error:
                self._repeats.warning("pause.unread", type(error).__name__, reason=str(error))
            await next_second(LOOK_SECONDS)

    def take(self, since: datetime | None) -> None:
        """Know what the mark says."""
        self._since, self.is_on = since, since is not None
        self._has_begun.set()
