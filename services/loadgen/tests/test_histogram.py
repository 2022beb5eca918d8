"""Percentiles of the histogram against those of the sorted values."""

from __future__ import annotations

import random

from loadgen.histogram import Histogram


def test_percentiles_are_right_to_within_a_bucket() -> None:
    """Over five decades no percentile is below the true value, nor above it by more than 2 % and a microsecond."""
    values = [int(10 ** random.Random(seed).uniform(3, 10)) for seed in range(5000)]
    histogram = Histogram()
    for value in values:
        histogram.record(value)

    for percent in (1, 50, 90, 99, 99.9, 100):
        true = sorted(values)[max(1, -(-len(values) * percent // 100)).__int__() - 1] / 1e6
        assert true <= histogram.percentile(percent) <= true * 1.02 + 0.001


def test_empty() -> None:
    """Nothing recorded is zero, not an error."""
    assert Histogram().summary() == {"p50_ms": 0.0, "p95_ms": 0.0, "p99_ms": 0.0, "p999_ms": 0.0, "max_ms": 0.0}


def test_below_zero_counts_as_zero() -> None:
    """A negative duration, of two hosts' clocks, is counted in the lowest bucket."""
    histogram = Histogram()
    histogram.record(-5_000_000)

    assert (histogram.total, histogram.percentile(50)) == (1, 0.0)


def test_add() -> None:
    """Two histograms add up."""
    one, two = Histogram(), Histogram()
    one.record(1_000_000)
    two.record(3_000_000)
    one.add(two)

    assert (one.total, one.highest, round(one.percentile(50))) == (2, 3_000_000, 1)
