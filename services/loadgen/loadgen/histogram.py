"""Durations counted in buckets of 1.6 % width, from 1 microsecond up. No I/O here."""

from __future__ import annotations

_BITS = 6  # 64 buckets for each doubling
_SIZE = (64 - _BITS) << _BITS


class Histogram:
    """Counts of durations in nanoseconds; percentiles are right to within one bucket."""

    __slots__ = ("_counts", "highest", "total")

    def __init__(self) -> None:
        self._counts = [0] * _SIZE
        self.total = 0
        self.highest = 0

    def record(self, nanoseconds: int) -> None:
        """Count one duration; one below zero (clocks of two hosts) counts as zero."""
        microseconds = nanoseconds // 1000 if nanoseconds > 0 else 0
        shift = microseconds.bit_length() - _BITS - 1
        self._counts[microseconds if shift <= 0 else (shift << _BITS) + (microseconds >> shift)] += 1
        self.total += 1
        if nanoseconds > self.highest:
            self.highest = nanoseconds

    def percentile(self, percent: float) -> float:
        """Return the duration in milliseconds that *percent* of the durations do not exceed; 0.0 when empty."""
        wanted = max(1, -(-self.total * percent // 100))
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_upper_microseconds(index) / 1000, self.highest / 1e6)
        return 0.0

    def add(self, other: Histogram) -> None:
        """Count everything that *other* counted."""
        self._counts = [mine + theirs for mine, theirs in zip(self._counts, other._counts, strict=True)]
        self.total += other.total
        self.highest = max(self.highest, other.highest)

    def summary(self) -> dict[str, float]:
        """Return the percentiles that a report shows, in milliseconds."""
        names = {"p50_ms": 50, "p95_ms": 95, "p99_ms": 99, "p999_ms": 99.9}
        values = {name: round(self.percentile(percent), 3) for name, percent in names.items()}
        return values | {"max_ms": round(self.highest / 1e6, 3)}


def _upper_microseconds(index: int) -> int:
    if index < 2 << _BITS:
        return index + 1
    shift = (index >> _BITS) - 1
    return (index - (shift << _BITS) + 1) << shift
