"""What has arrived for one Channels channel and was not received yet."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

logger = logging.getLogger("tandem.layer")

WARN_SECONDS = 10.0


class Mailbox(asyncio.Queue[bytes]):
    """A bounded queue of serialized messages; `receivers` counts who waits on it."""

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.receivers = 0


class Overflow:
    """Count what full mailboxes refused, and say so once per interval, not once per message."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.dropped = 0
        self._clock = clock
        self._unsaid = 0
        self._said_at = float("-inf")

    def put(self, channel: str, mailbox: Mailbox, data: bytes) -> None:
        """Put *data* into *mailbox*, or drop it when that is full: what came first is kept, as in channels-redis."""
        try:
            mailbox.put_nowait(data)
        except asyncio.QueueFull:
            self.dropped += 1
            self._unsaid += 1
            now = self._clock()
            if now - self._said_at >= WARN_SECONDS:
                logger.warning("dropped %d messages for full channels, the last for %s", self._unsaid, channel)
                self._unsaid = 0
                self._said_at = now
