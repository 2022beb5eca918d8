"""How many commands a client may send. The time is passed in."""

from __future__ import annotations

from tandem_realtime.session.pace import Pace


def test_burst_is_allowed_and_one_more_is_not() -> None:
    """Everything at once, up to the burst."""
    pace = Pace()

    assert [pace.allows(100.0, rate=5, burst=10) for _ in range(11)] == [True] * 10 + [False]


def test_rate_is_allowed_for_ever() -> None:
    """Evenly spaced, it never runs into the limit."""
    pace = Pace()

    assert all(pace.allows(100.0 + number / 5, rate=5, burst=10) for number in range(1000))


def test_rate_over_the_limit_runs_into_it() -> None:
    """Twice the rate lasts as long as the burst does."""
    pace = Pace()
    allowed = [pace.allows(100.0 + number / 10, rate=5, burst=10) for number in range(100)]

    assert allowed.index(False) == 18


def test_rest_is_counted() -> None:
    """After a pause the burst is there again."""
    pace = Pace()
    for _ in range(10):
        pace.allows(100.0, rate=5, burst=10)

    assert not pace.allows(100.0, rate=5, burst=10)
    assert pace.allows(103.0, rate=5, burst=10)
