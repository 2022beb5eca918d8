"""
The canary: a publication of our own through Redis, channel layer and hub, every 15 s.

A process whose probes answer may still deliver nothing. That publications arrive is proved by one that arrives.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable

from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.groups import shard_for
from tandem.namespaces import CANARY, INTERNAL, Namespace
from tandem.publication import pack_body
from tandem_realtime.hub import Hub, Subscription
from tandem_realtime.protocol.encodings import PLAIN_LINES

NAMESPACE = Namespace(**INTERNAL[CANARY])

INTERVAL_SECONDS = 15.0
HURRY_SECONDS = 2.0

logger = logging.getLogger(__name__)


def canary_channels(node: str, shards: int) -> list[str]:
    """Return a channel of *node* on each of so many *shards*: one shard that fails must not hide behind the others."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < shards:
        name = f"{CANARY}:{node}.{number}"
        found.setdefault(shard_for(name, shards), name)
        number += 1
    return [found[shard] for shard in range(shards)]


class Canary:
    """
    One channel that this process publishes to and subscribes to.

    To the hub it is a subscriber like any connection, with nothing behind it.
    """

    encoding = PLAIN_LINES

    def __init__(
        self,
        channel: str,
        hub: Hub,
        shards: AsyncShards,
        *,
        interval: float = INTERVAL_SECONDS,
        hurry: float = HURRY_SECONDS,
    ) -> None:
        self.channel = channel
        self._hub = hub
        self._shards = shards
        self._interval = interval
        self._hurry = hurry
        self._since = time.monotonic()
        self._is_quiet = False

    @property
    def age(self) -> float:
        """Seconds since the last publication came back, or since the start."""
        return time.monotonic() - self._since

    def write(self, data: bytes) -> None:
        """Hear our own publication, from the hub."""
        self._since = time.monotonic()

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Take no note: this is what tells whether Redis can be heard."""

    def state_lost(self, subscription: Subscription) -> None:
        """Take no note of a new epoch: what comes next counts."""

    async def run(self) -> None:
        """Subscribe, then publish until cancelled: every interval, sooner while nothing comes back."""
        subscription = Subscription(self, self.channel)
        try:
            while not await self._try(self._hub.subscribe(subscription, None)):  # Redis has no event
                await asyncio.sleep(self._hurry)
            while True:
                await self._try(self._shards.run(self.channel, self._publication()))
                await asyncio.sleep(self._hurry)
                if self.age <= self._interval:
                    await asyncio.sleep(self._interval - self._hurry)
        finally:
            self._hub.unsubscribe(subscription)

    def _publication(self) -> scripts.Call:
        now = time.time_ns() // 1_000_000
        body = pack_body(self.channel, b"{}", tags=b"", info=b"", time=now, request="")
        return scripts.publish_call(self.channel, NAMESPACE, body, once=None, keep=True)

    async def _try(self, attempt: Awaitable[object]) -> bool:
        """Log the first failure of a row; the gauge tells the rest."""
        try:
            await attempt
        except (RedisUnavailable, RedisReplyError) as error:
            if not self._is_quiet:
                logger.warning("canary.failed", extra={"channel": self.channel, "reason": str(error)})
            self._is_quiet = True
            return False
        self._is_quiet = False
        return True


def oldest(canaries: Iterable[Canary]) -> float:
    """Return the age of the canary that was heard least lately."""
    return max((canary.age for canary in canaries), default=0.0)
