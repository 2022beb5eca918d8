"""
How many frames that say nothing a client may send: pings, tiny fragments, blank lines. No I/O here, no clock.

Nothing is refused and nobody is closed for them: for what is beyond, the client is not read for a while, so that in the
end it has to wait.
"""

from __future__ import annotations

RATE = 200.0
BURST = 2000
"""Frames a second, and at once."""
FREE_BYTES = 64
"""A fragment that brings as much is no idle one: the size of the message bounds how many there are."""
LEAST_SECONDS = 0.25
"""To read one frame each time that one may be read would cost more than the frames."""


class Ration:
    """Counts the idle frames of one client."""

    __slots__ = ("_at", "_spent")

    def __init__(self) -> None:
        self._spent = 0.0
        self._at = 0.0

    def spend(self, now: float) -> float:
        """Take note of an idle frame at *now*; return for how many seconds nothing should be read."""
        self._spent = max(0.0, self._spent - (now - self._at) * RATE) + 1
        self._at = now
        return max(LEAST_SECONDS, (self._spent - BURST) / RATE) if self._spent > BURST else 0.0
