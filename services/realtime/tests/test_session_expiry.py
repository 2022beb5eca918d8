"""When tokens run out."""

from __future__ import annotations

import time

from tandem_realtime.session.expiry import GRACE_SECONDS, deadline, is_overdue, ttl


def test_deadline_is_on_the_monotonic_clock() -> None:
    """A clock that is set does not end a connection; 0 is for ever."""
    assert abs(deadline(1060, 1000.0) - time.monotonic() - 60) < 1.5
    assert deadline(0, 1000.0) == 0.0


def test_ttl_is_at_least_a_second() -> None:
    """0 would mean for ever to an SDK."""
    assert ttl(1060, 1000.5) == 59
    assert ttl(1000, 1000.0) == ttl(995, 1000.0) == 1
    assert ttl(0, 1000.0) == 0


def test_overdue_is_after_a_grace() -> None:
    """The client has time to bring a new token; what never expires is never overdue."""
    assert not is_overdue(100.0, 100.0 + GRACE_SECONDS - 0.1)
    assert is_overdue(100.0, 100.0 + GRACE_SECONDS)
    assert not is_overdue(0.0, 1e9)
