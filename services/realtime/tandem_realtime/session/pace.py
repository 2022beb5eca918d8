"""How many commands a client may send: a bucket of tokens. No I/O, no clock: the time is passed in."""

from __future__ import annotations


class Pace:
    """Counts one client's commands."""

    __slots__ = ("_at", "_spent")

    def __init__(self) -> None:
        self._spent = 0.0
        self._at = 0.0

    def allows(self, now: float, *, rate: float, burst: float) -> bool:
        """Take note of a command at *now*; tell whether it is within *rate* a second after a *burst*."""
        self._spent = max(0.0, self._spent - (now - self._at) * rate) + 1
        self._at = now
        return self._spent <= burst
