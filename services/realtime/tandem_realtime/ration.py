"""
How many frames that say nothing a client may send: pings, tiny fragments, blank lines. No I/O here, no clock.

Nothing is refused for them: for what is beyond, the client is not read for a while, so that in the end it has to wait.
Who sends on and on floods: what a proxy holds of it would keep the socket open for hours after the client has gone.
"""

from __future__ import annotations

RATE = 200.0
BURST = 2000
"""Frames a second, and at once."""
FREE_BYTES = 64
"""A fragment that brings as much is no idle one: the size of the message bounds how many there are."""
LEAST_SECONDS = 0.25
"""To read one frame each time that one may be read would cost more than the frames."""
FLOOD_SECONDS = 30.0
"""Who has not had half of the burst to spend for so long floods."""


class Ration:
    """Counts the idle frames of one client."""

    __slots__ = ("_at", "_spent", "_wealthy_at")

    def __init__(self) -> None:
        self._spent = 0.0
        self._at = 0.0
        self._wealthy_at = 0.0

    @property
    def is_flood(self) -> bool:
        """Tell whether the client has sent too many of them for too long."""
        return self._at - self._wealthy_at > FLOOD_SECONDS and self._spent > BURST

    def spend(self, now: float) -> float:
        """Take note of an idle frame at *now*; return for how many seconds nothing should be read."""
        self._spent = max(0.0, self._spent - (now - self._at) * RATE) + 1
        self._at = now
        if self._spent <= BURST / 2:
            self._wealthy_at = now
        return max(LEAST_SECONDS, (self._spent - BURST) / RATE) if self._spent > BURST else 0.0
