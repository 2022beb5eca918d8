"""The histogram agrees with prometheus_client's."""

import random

import prometheus_client

from tandem_realtime.observing.histogram import Histogram


def test_counts_like_the_prometheus_client() -> None:
    """The same observations give the same buckets and sum, values on a bound included."""
    bounds = (0.001, 0.01, 0.1, 1.0)
    ours = Histogram(bounds)
    registry = prometheus_client.CollectorRegistry()
    theirs = prometheus_client.Histogram("h", "h", buckets=bounds, registry=registry)

    for value in [*bounds, 0.0, 5.0, *(random.Random(1).uniform(0, 2) for _ in range(1000))]:
        ours.observe(value)
        theirs.observe(value)

    expected = [
        (bound, registry.get_sample_value("h_bucket", {"le": bound}))
        for bound in ("0.001", "0.01", "0.1", "1.0", "+Inf")
    ]
    assert ours.cumulated() == expected
    assert ours.total == registry.get_sample_value("h_sum")
    assert ours.count == 1006
