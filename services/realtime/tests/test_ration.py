"""How many frames that say nothing are read at full speed. The time is passed in."""

from __future__ import annotations

import pytest

from tandem_realtime.ration import BURST, FLOOD_SECONDS, LEAST_SECONDS, RATE, Ration


def test_few_are_free() -> None:
    """At once, and at the rate for ever."""
    at_once, steady = Ration(), Ration()

    assert {at_once.spend(100.0) for _ in range(BURST)} == {0.0}
    assert {steady.spend(100.0 + number / RATE) for number in range(5000)} == {0.0}


def test_what_is_beyond_is_paid_for_by_waiting() -> None:
    """In the long run nobody sends more than the rate."""
    ration, now, frames = Ration(), 100.0, 0
    while now < 200.0:
        now += ration.spend(now)
        frames += 1

    assert frames <= BURST + 100 * RATE + RATE


def test_wait_is_never_shorter_than_it_is_worth() -> None:
    """One frame at a time would cost more than the frames."""
    ration = Ration()
    for _ in range(BURST):
        ration.spend(100.0)

    assert ration.spend(100.0) == LEAST_SECONDS


def test_who_sends_on_and_on_floods() -> None:
    """It gets no rest by being made to wait; who stops for some seconds begins anew."""
    flood, rested, now = Ration(), Ration(), 100.0
    while not flood.is_flood:
        now += flood.spend(now)
    ended, now = now, 100.0
    for _ in range(20):
        until = now + FLOOD_SECONDS - 1
        while now < until:
            now += rested.spend(now)
            assert not rested.is_flood
        now += BURST / RATE

    assert ended - 100.0 == pytest.approx(FLOOD_SECONDS, abs=2 * LEAST_SECONDS)


def test_steady_sender_at_the_rate_is_no_flood() -> None:
    """However long."""
    ration = Ration()
    for number in range(BURST + 20_000):
        ration.spend(100.0 + number / RATE)

    assert not ration.is_flood
