"""How many commands a client may send: buckets of tokens. No I/O, no clock: the time is passed in."""

from __future__ import annotations

from enum import Enum

FLOOD = 10
"""How many times the rate, and the burst, a client may be refused before it is cut off."""

BYTES_PER_COMMAND = 65_536
"""A client that asks for much again and again may have so much for each command that it does not send."""


class Verdict(Enum):
    """What to do with a command: carry it `OUT`, `REFUSE` it for now, or `CUT` its client off."""

    OUT = "out"
    REFUSE = "refuse"
    CUT = "cut"


class Pace:
    """Counts one client's commands. What is refused does not count against what is carried out."""

    __slots__ = ("_at", "_charged_at", "_owed", "_refused", "_spent")

    def __init__(self) -> None:
        self._owed = 0.0
        self._charged_at = 0.0
        self._spent = 0.0
        self._refused = 0.0
        self._at = 0.0

    def judge(self, now: float, *, rate: float, burst: float) -> Verdict:
        """Take note of a command at *now*: within *rate* a second, after a *burst*, it is carried out."""
        passed, self._at = (now - self._at) * rate, now
        self._spent = max(0.0, self._spent - passed)
        self._refused = max(0.0, self._refused - passed * FLOOD)
        if self._spent + 1 <= burst:
            self._spent += 1
            return Verdict.OUT
        self._refused += 1
        return Verdict.CUT if self._refused > burst * FLOOD else Verdict.REFUSE

    def charge(self, size: int, now: float, *, rate: float, burst: float) -> None:
        """Count an answer of *size* bytes as so many commands, of those alone that may be answered at length."""
        self._owed = min(self._owed_at(now, rate) + size / BYTES_PER_COMMAND, 2 * burst)
        self._charged_at = now

    def is_overdrawn(self, now: float, *, rate: float, burst: float) -> bool:
        """Tell whether what was answered lately cost more than the burst."""
        return self._owed > burst and self._owed_at(now, rate) > burst

    def _owed_at(self, now: float, rate: float) -> float:
        return max(0.0, self._owed - (now - self._charged_at) * rate)
