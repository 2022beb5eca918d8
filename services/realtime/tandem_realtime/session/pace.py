"""How many commands a client may send: buckets of tokens. No I/O, no clock: the time is passed in."""

from __future__ import annotations

from enum import Enum

FLOOD = 10
"""How many times the rate, and the burst, a client may be refused before it is cut off."""


class Verdict(Enum):
    """What to do with a command: carry it `OUT`, `REFUSE` it for now, or `CUT` its client off."""

    OUT = "out"
    REFUSE = "refuse"
    CUT = "cut"


class Pace:
    """Counts one client's commands. What is refused does not count against what is carried out."""

    __slots__ = ("_at", "_refused", "_spent")

    def __init__(self) -> None:
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
