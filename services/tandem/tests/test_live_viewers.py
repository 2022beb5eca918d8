"""How far apart viewers ask."""

from __future__ import annotations

import redis
import time_machine

from tandem.live.viewers import WINDOW_SECONDS, look, pace_of


def test_pace_grows_with_the_viewers() -> None:
    """One sees at once; a thousand and more spread over three seconds."""
    assert [pace_of(viewers) for viewers in (1, 100, 1000, 50_000)] == [0.003, 0.3, 3.0, 3.0]


def test_who_has_left_is_not_counted(store: redis.Redis) -> None:
    """An element asks now and then; who has not for long is gone, and leaves no key."""
    with time_machine.travel(0, tick=False) as clock:
        look("kept:a", "one")
        clock.shift(WINDOW_SECONDS - 1)
        both = look("kept:a", "two").pace
        clock.shift(2)
        one = look("kept:a", "two").pace

    assert (both, one) == (0.006, 0.003)
    assert 0 < store.ttl("tandem:viewers:{kept:a}") <= WINDOW_SECONDS


def test_channel_that_nobody_published_to(store: redis.Redis) -> None:
    """Its position is before the first publication."""
    position = look("kept:a", "one").position

    assert position is not None
    assert position.offset == 0
