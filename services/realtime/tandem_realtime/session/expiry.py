"""Tokens that run out: from their seconds since 1970 to the monotonic clock. No I/O here."""

from __future__ import annotations

import time

GRACE_SECONDS = 10.0
"""How long after its token ran out a connection or subscription waits for a refresh."""


def deadline(exp: int, now: float) -> float:
    """Turn a token's expiry into a time of the monotonic clock, *now* being the seconds since 1970; 0 for none."""
    return time.monotonic() + exp - now if exp else 0.0


def ttl(exp: int, now: float) -> int:
    """Return how many seconds are left from *now* until *exp*, at least 1; 0 for no expiry."""
    return max(1, int(exp - now)) if exp else 0


def is_overdue(expires: float, now: float) -> bool:
    """Tell whether what *expires* then (0: never) should have been refreshed by *now*."""
    return bool(expires) and now >= expires + GRACE_SECONDS
