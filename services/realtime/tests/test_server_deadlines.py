"""Deadlines on a loop whose time is passed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from tandem_realtime.server.deadlines import Deadlines


class Clock:
    """A loop that stands still; `advance` calls what is due."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, **more: Any) -> object:
        self.timers.append((when, callback))
        return object()

    def advance(self, seconds: float) -> None:
        """Go to a later moment."""
        self.now += seconds
        due = [timer for timer in self.timers if timer[0] <= self.now]
        self.timers = [timer for timer in self.timers if timer[0] > self.now]
        for _, callback in due:
            callback()


def deadlines_on(clock: Clock, expire: Callable[[str], object]) -> Deadlines[str]:
    """Return deadlines of ten seconds; they use no more of a loop than the clock has."""
    return Deadlines(cast(asyncio.AbstractEventLoop, clock), 10, expire)


@pytest.fixture
def expired() -> list[str]:
    """What has expired."""
    return []


def test_what_stays_expires_in_order(expired: list[str]) -> None:
    """Each key has its full time, and one that left in time does not expire."""
    clock = Clock()
    deadlines = deadlines_on(clock, expired.append)
    deadlines.add("a")
    clock.advance(4)
    deadlines.add("b")
    deadlines.add("left")
    deadlines.add("a")
    deadlines.discard("left")
    clock.advance(5)
    before = list(expired)
    clock.advance(1)
    between = list(expired)
    clock.advance(4)

    assert (before, between, expired) == ([], ["a"], ["a", "b"])
    assert len(deadlines) == 0


def test_one_timer_for_all(expired: list[str]) -> None:
    """A thousand keys have one timer between them."""
    clock = Clock()
    deadlines = deadlines_on(clock, expired.append)
    for number in range(1000):
        deadlines.add(str(number))

    assert len(clock.timers) == 1


def test_failure_is_logged_and_ends_nothing(expired: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """An exception for one key is told, and the others expire all the same."""

    def expire(key: str) -> None:
        if key == "bad":
            raise RuntimeError("broken")
        expired.append(key)

    clock = Clock()
    deadlines = deadlines_on(clock, expire)
    deadlines.add("bad")
    deadlines.add("good")
    clock.advance(10)
    deadlines.add("later")
    clock.advance(10)

    assert expired == ["good", "later"]
    assert "RuntimeError: broken" in caplog.text


def test_all_can_expire_at_once(expired: list[str]) -> None:
    """A drain in a hurry does not wait for the clock."""
    deadlines = deadlines_on(Clock(), expired.append)
    deadlines.add("a")
    deadlines.add("b")
    deadlines.expire_all()

    assert expired == ["a", "b"]
