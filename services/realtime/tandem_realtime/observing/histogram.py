"""A histogram that costs one bisection per observation, for the path that every publication takes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

AGES = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0)
"""Bounds for the age of a connection, in seconds: from a page that was left at once to a socket of a day."""


class Histogram:
    """
    Observations counted in buckets with the upper *bounds*, in ascending order.

    `prometheus_client.Histogram.observe` takes a lock for each value that it changes. Here only the event loop's
    thread observes, and only the same thread is asked for the result.
    """

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = list(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count *value*, in the unit of the bounds."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def add(self, other: Histogram) -> None:
        """Count what *other*, of the same bounds, has observed."""
        self._counts = [ours + theirs for ours, theirs in zip(self._counts, other._counts, strict=True)]
        self.total += other.total

    @property
    def count(self) -> int:
        """How many values were observed."""
        return sum(self._counts)

    def cumulated(self) -> list[tuple[str, float]]:
        """Return the number of observations up to each bound, as Prometheus wants them."""
        pairs = []
        seen = 0
        for bound, count in zip([*map(str, self._bounds), "+Inf"], self._counts, strict=True):
            seen += count
            pairs.append((bound, float(seen)))
        return pairs
