"""The token bucket, without a clock."""

from tandem_realtime.server.limits import TokenBucket


def test_burst_then_rate() -> None:
    """A second's worth at once, then one more for each token that time brings."""
    bucket = TokenBucket(2, now=100)

    assert [bucket.take(100) for _ in range(3)] == [0, 0, 0.5]
    assert [bucket.take(100.5), bucket.take(100.5)] == [0, 0.5]


def test_idle_time_is_not_saved_up() -> None:
    """After an hour there is still only a second's worth."""
    bucket = TokenBucket(2, now=0)

    assert [bucket.take(3600) for _ in range(3)] == [0, 0, 0.5]


def test_slow_rate_lets_one_through() -> None:
    """Less than one a second is a rate too."""
    bucket = TokenBucket(0.1, now=0)

    assert [bucket.take(0), bucket.take(0), bucket.take(10)] == [0, 10, 0]


def test_zero_is_off() -> None:
    """A rate of zero refuses nobody."""
    bucket = TokenBucket(0, now=0)

    assert {bucket.take(0) for _ in range(1000)} == {0}
