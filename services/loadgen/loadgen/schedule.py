"""When each publication is due, and which part of the work a shard does. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """
    Publications at a steady rate, their times fixed before the first is sent (an open loop).

    A server that stalls therefore sees its stall in the latencies: what came late was due on time.
    """

    rate: float
    count: int
    channels: int = 1

    def due(self, number: int) -> int:
        """Return when publication *number* is due, in nanoseconds after the start."""
        return int(number * 1e9 / self.rate)

    def due_by(self, elapsed: int) -> int:
        """Return how many publications are due *elapsed* nanoseconds after the start."""
        if elapsed < 0:
            return 0
        return min(self.count, int(elapsed * self.rate / 1e9) + 1)

    def channel(self, number: int) -> int:
        """Return the index of the channel that publication *number* goes to: each in turn."""
        return number % self.channels

    def expected(self, channel: int) -> int:
        """Return how many publications the channel with this index gets."""
        return len(range(channel, self.count, self.channels))


def shard_range(total: int, index: int, shards: int) -> range:
    """Return the clients of shard *index*: every client belongs to exactly one of the *shards*."""
    if not 0 <= index < shards:
        raise ValueError(f"shard {index} of {shards}: expected 0 to {shards - 1}")
    return range(index, total, shards)
