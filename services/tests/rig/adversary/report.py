"""What was measured of one attack, whether it is what is promised, and how that is told. No I/O here."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from itertools import pairwise

from rig.adversary.victim import Figures

MEGABYTE = 1 << 20
MEMORY_MEGABYTES = 128
"""By how much a process may have grown after an attack: what Python and the C library keep for the next one."""
REDIS_MEGABYTES = 16
GROWTH = 1.05
"""The next round finds that room, and takes hardly any more: all further ones together, unless it comes to an end."""
LINES_A_MINUTE = 100
FLOOR_MS = 50.0
HEAD = "attack                     | quiet ms | p99 ms | at most | memory in MiB: before, then after each round"


@dataclass
class Round:
    """One attack, once."""

    done: dict[str, int]
    p99: float
    failures: dict[str, int]
    before: Figures
    after: Figures
    highest: dict[str, int]
    is_settled: bool
    unsettled: str = ""


@dataclass
class Report:
    """One attack, all of its rounds."""

    attack: str
    quiet: float
    rounds: list[Round] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """The median of the rounds."""
        return statistics.median(each.p99 for each in self.rounds)

    @property
    def limit(self) -> float:
        """What it may be."""
        return max(2 * self.quiet, FLOOR_MS)

    @property
    def broken(self) -> list[str]:
        """What of the promise did not hold."""
        found = []
        for number, each in enumerate(self.rounds, 1):
            if not each.done.get("opened"):
                found.append(f"round {number}: no attack")
            if each.failures:
                found.append(f"round {number}: {each.failures}")
            if not each.is_settled:
                found.append(f"round {number}: not as before: {each.unsettled}")
            if (lines := each.after.log_lines - each.before.log_lines) > LINES_A_MINUTE:
                found.append(f"round {number}: {lines} lines in the log")
        if self.p99 > self.limit:
            found.append(f"p99 {self.p99:.0f} ms of {self.limit:.0f}")
        return found + [said for name, sizes in self._sizes().items() for said in grown(name, sizes)]

    def _sizes(self) -> dict[str, list[int]]:
        """Return what each process, and Redis, weighed before the attack and after each round."""
        weighed = [self.rounds[0].before, *(each.after for each in self.rounds)]
        return {name: [each.sizes[name] for each in weighed] for name in weighed[0].sizes}

    def line(self) -> str:
        """Return one line of the table, verdict first, what did not hold last."""
        verdict = "FAIL" if self.broken else "PASS"
        last = self.rounds[-1]
        sizes = (f"{name} {' '.join(_told(size) for size in each)}" for name, each in self._sizes().items())
        highest = max(each.highest["realtime"] for each in self.rounds)
        lines = max(each.after.log_lines - each.before.log_lines for each in self.rounds)
        columns = (
            f"{verdict} {self.attack:26}",
            f"{self.quiet:6.1f}",
            f"{self.p99:6.1f}",
            f"{self.limit:6.1f}",
            ", ".join(sizes),
            f"realtime at most {_told(highest)}",
            f"{last.after.redis_keys} keys",
            f"{lines} lines",
            ", ".join(f"{count} {name}" for name, count in last.done.items()),
            *self.broken,
        )
        return " | ".join(columns)


def grown(name: str, sizes: list[int]) -> list[str]:
    """Say how much too much *name* weighs, of which *sizes* are those before the attack and after each round."""
    before, *after = sizes
    most = before + (REDIS_MEGABYTES if name == "Redis" else MEMORY_MEGABYTES) * MEGABYTE
    found = [f"{name} grew to {_told(max(sizes))} MiB"] if max(sizes) > most else []
    for one, following in pairwise(after):
        if following > GROWTH * one:
            found.append(f"{name} grew again, from {_told(one)} to {_told(following)} MiB")
    steps = [following - one for one, following in pairwise(after)]
    if after[-1] > GROWTH * after[0] and steps[-1] >= max(steps[:-1], default=steps[-1]):
        found.append(f"{name} grows on, from {_told(after[0])} to {_told(after[-1])} MiB")
    return found


def _told(size: int) -> str:
    return f"{size / MEGABYTE:.1f}"
