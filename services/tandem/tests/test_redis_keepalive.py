"""When a connection is pinged and given up, with the times passed in."""

import pytest

from tandem.redis.keepalive import Step, backoff, next_step


@pytest.mark.parametrize(
    ("now", "heard", "due_since", "expected"),
    [
        (10.0, 9.0, None, (Step.WAIT, 14.0)),
        (14.0, 9.0, None, (Step.PING, 15.0)),
        (10.5, 9.0, 10.0, (Step.WAIT, 11.0)),
        (11.0, 9.0, 10.0, (Step.GIVE_UP, 11.0)),
        (30.0, 9.0, 29.5, (Step.WAIT, 30.5)),
    ],
)
def test_next_step(now: float, heard: float, due_since: float | None, expected: tuple[Step, float]) -> None:
    """A quiet peer is pinged after *idle*; a reply that is due may take *timeout*."""
    assert next_step(now, heard=heard, due_since=due_since, timeout=1.0, idle=5.0) == expected


def test_vanished_peer_is_found_out_within_six_seconds() -> None:
    """The ping after five seconds and the second that its reply may take are all there is."""
    step, again = next_step(5.0, heard=0.0, due_since=None, timeout=1.0)

    assert (step, again) == (Step.PING, 6.0)
    assert next_step(again, heard=0.0, due_since=5.0, timeout=1.0)[0] is Step.GIVE_UP


def test_backoff() -> None:
    """The first retry comes at once, the later ones at most half a second apart."""
    assert [backoff(attempt) for attempt in (0, 1, 2, 3, 4, 5, 1000)] == [0, 0.05, 0.1, 0.2, 0.4, 0.5, 0.5]
