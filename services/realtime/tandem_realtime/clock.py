"""What time it is by Redis, whose clock all processes share. Our own is not asked: it may be set, or wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, RedisUnavailable

logger = logging.getLogger(__name__)

SAMPLE_SECONDS = 10.0
RETRY_SECONDS = 0.5
MAX_TRIP_SECONDS = 1.0
FIRST_SECONDS = 1.0
TELL_SECONDS = 60.0


class Clock:
    """
    Tells Redis's time between samples of it, by a clock that nobody sets.

    Until Redis has answered once it is our own time.
    """

    def __init__(self) -> None:
        self._ahead: float | None = None
        self._has_begun = asyncio.Event()
        self._told: dict[str, float] = {}

    def now(self) -> float:
        """Return the seconds since 1970."""
        return time.time() if self._ahead is None else time.monotonic() + self._ahead

    @property
    def has_begun(self) -> bool:
        """Tell whether Redis has answered."""
        return self._ahead is not None

    async def begun(self) -> None:
        """Wait for Redis's first answer, a second at most: a process that has just started need not guess."""
        if self._ahead is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._has_begun.wait(), FIRST_SECONDS)

    async def run(self, shards: AsyncShards) -> None:
        """Sample Redis's time until cancelled."""
        while True:
            asked = time.monotonic()
            try:
                reply = await shards.clients[0].execute("TIME")
            except (RedisUnavailable, RedisReplyError):
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self.take(reply, asked=asked, answered=time.monotonic())
            await asyncio.sleep(SAMPLE_SECONDS)

    def take(self, reply: Sequence[bytes], *, asked: float, answered: float) -> None:
        """Take the answer to TIME. One that took long says little, unless there is none yet."""
        if self._ahead is None or answered - asked <= MAX_TRIP_SECONDS:
            seconds, micros = reply
            self._ahead = int(seconds) + int(micros) / 1_000_000 - (asked + answered) / 2
            self._has_begun.set()

    def tell_skew(self, seconds: float) -> None:
        """
        Log, once a minute, that a token comes from the future by *seconds*, or (negative) that it had run out.

        Its issuer's clock is wrong, or, where it had run out, its client kept it for that long.
        """
        event = "token.from_the_future" if seconds > 0 else "token.ran_out"
        if time.monotonic() >= self._told.get(event, 0.0):
            self._told[event] = time.monotonic() + TELL_SECONDS
            logger.log(logging.WARNING if seconds > 0 else logging.INFO, event, extra={"skew_seconds": round(seconds)})
