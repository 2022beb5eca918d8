"""Keep a connection to Redis alive: when to ping a quiet one, when to give it up. No I/O: times are passed in."""

from __future__ import annotations

import enum

IDLE_SECONDS = 5.0


class Step(enum.Enum):
    """What to do with a connection now."""

    WAIT = "wait"
    PING = "ping"
    GIVE_UP = "give up"


def next_step(
    now: float, *, heard: float, due_since: float | None, timeout: float, idle: float = IDLE_SECONDS
) -> tuple[Step, float]:
    """
    Return what to do now, and when to look again.

    A reply that is due since *due_since* may take *timeout*; a peer last heard at *heard* may be silent for *idle*
    before it is pinged. TCP alone notices a vanished peer after a quarter of an hour.
    """
    if due_since is not None:
        limit = due_since + timeout
        return (Step.GIVE_UP if now >= limit else Step.WAIT), limit
    limit = heard + idle
    return (Step.PING, now + timeout) if now >= limit else (Step.WAIT, limit)


def backoff(attempt: int, *, first: float = 0.05, limit: float = 0.5) -> float:
    """Return the seconds to wait before reconnecting: none before attempt 0, then doubling from *first* to *limit*."""
    return 0.0 if attempt == 0 else min(limit, first * 2.0 ** min(attempt - 1, 16))
