"""One timer for all: who is due is ticked, once, and never early. The time is passed in."""

from __future__ import annotations

import logging

import pytest

from tandem_realtime.wheel import Wheel


class Clock:
    """Notes when it is ticked; *every* is the next time, 0 for never."""

    def __init__(self, every: float = 0.0) -> None:
        self.slot = 0
        self.every = every
        self.ticks: list[float] = []

    def tick(self, now: float) -> float:
        self.ticks.append(now)
        return now + self.every if self.every else 0.0


def turn(wheel: Wheel, *, until: int, start: int = 0) -> None:
    for second in range(start, until + 1):
        wheel.turn(float(second))


def test_ticks_within_a_second_after_it_is_due_and_not_before() -> None:
    """Due at 3.2: not at 3, but at 4."""
    wheel, clock = Wheel(), Clock()
    wheel.turn(0.0)
    wheel.schedule(clock, 3.2)
    turn(wheel, start=1, until=9)

    assert clock.ticks == [4.0]


def test_ticks_again_when_it_says() -> None:
    """What `tick` returns is the next time."""
    wheel, clock = Wheel(), Clock(every=2.0)
    wheel.turn(0.0)
    wheel.schedule(clock, 1.0)
    turn(wheel, start=1, until=9)

    assert clock.ticks == [2.0, 5.0, 8.0]


def test_new_time_replaces_the_old() -> None:
    """Earlier or later; 0 is never."""
    wheel, earlier, later, never = Wheel(), Clock(), Clock(), Clock()
    wheel.turn(0.0)
    for clock, first, second in ((earlier, 8.0, 2.0), (later, 2.0, 6.0), (never, 2.0, 0.0)):
        wheel.schedule(clock, first)
        wheel.schedule(clock, second)
    turn(wheel, start=1, until=9)

    assert (earlier.ticks, later.ticks, never.ticks) == ([3.0], [7.0], [])


def test_cancelled_is_not_ticked() -> None:
    """Cancelling what is not scheduled does nothing."""
    wheel, clock = Wheel(), Clock()
    wheel.cancel(clock)
    wheel.schedule(clock, 2.0)
    wheel.cancel(clock)
    turn(wheel, until=9)

    assert clock.ticks == []


def test_due_in_the_past_is_ticked_at_the_next_turn() -> None:
    """A timer that is set too late is not lost."""
    wheel, clock = Wheel(), Clock()
    turn(wheel, until=5)
    wheel.schedule(clock, 1.0)
    wheel.turn(6.0)

    assert clock.ticks == [6.0]


def test_standstill_is_caught_up() -> None:
    """A process that stood still for a minute ticks everybody once."""
    wheel, clocks = Wheel(), [Clock() for _ in range(3)]
    wheel.turn(0.0)
    for second, clock in enumerate(clocks):
        wheel.schedule(clock, float(second + 1))
    wheel.turn(60.0)

    assert [clock.ticks for clock in clocks] == [[60.0]] * 3


def test_bug_of_one_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged."""

    class Broken(Clock):
        def tick(self, now: float) -> float:
            raise RuntimeError("broken")

    wheel, broken, clock = Wheel(), Broken(), Clock()
    wheel.turn(0.0)
    wheel.schedule(broken, 1.0)
    wheel.schedule(clock, 1.0)
    with caplog.at_level(logging.ERROR):
        turn(wheel, start=1, until=3)

    assert clock.ticks == [2.0]
    assert [record.message for record in caplog.records] == ["wheel.tick"]
