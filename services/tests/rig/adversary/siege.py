"""
One attack after the other, and what was measured: ``python -m rig.adversary.siege [--edge] [ATTACK...]``.

It ends with a table and, if anything did not hold, with status 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from rig.adversary.honest import Honest
from rig.adversary.scripts import Attack
from rig.adversary.table import ATTACKS
from rig.adversary.victim import Figures, Victim
from rig.servers import SERVICES

MEGABYTE = 1 << 20
MEMORY_MEGABYTES = 128
"""By how much a process may have grown after an attack: what Python and the C library keep for the next one."""
REDIS_MEGABYTES = 16
SETTLE_SECONDS = 45.0
LINES_A_MINUTE = 100
GROWTH = 1.05
FLOOR_MS = 50.0
MOST, MOST_THROUGH_EDGE = 10_000, 3000
"""How many sockets an attack has at most."""


@dataclass
class Round:
    """One attack, once."""

    done: dict[str, int]
    p99: float
    failures: dict[str, int]
    before: Figures
    after: Figures
    highest: int
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
    def broken(self) -> list[str]:
        """What of the promise did not hold."""
        found = [f"{each.failures} {each.unsettled}" for each in self.rounds if each.failures or not each.is_settled]
        if self.p99 > (limit := max(2 * self.quiet, FLOOR_MS)):
            found.append(f"p99 {self.p99:.0f} ms of {limit:.0f}")
        before, first, last = self.rounds[0].before, self.rounds[0].after, self.rounds[-1].after
        for name, size in last.memory.items():
            if size > before.memory[name] + MEMORY_MEGABYTES * MEGABYTE:
                found.append(f"{name} grew to {size // MEGABYTE} MiB")
            if size > GROWTH * first.memory[name]:
                found.append(f"{name} grew again, to {size // MEGABYTE} MiB")
        if last.redis_bytes > before.redis_bytes + REDIS_MEGABYTES * MEGABYTE:
            found.append(f"Redis grew to {last.redis_bytes // MEGABYTE} MiB")
        lines = max(each.after.log_lines - each.before.log_lines for each in self.rounds)
        return found + ([f"{lines} lines in the log"] if lines > LINES_A_MINUTE else [])


class Siege:
    """Attack *victim* while *honest* listen."""

    def __init__(
        self, victim: Victim, honest: Honest, *, seconds: float, is_short: bool = False, most: int = MOST
    ) -> None:
        self.victim = victim
        self.honest = honest
        self._seconds = seconds
        self._is_short = is_short
        self._most = most
        self._calm = victim.gauges()
        self.begun = victim.figures()

    def attack(self, attack: Attack) -> Round:
        """Play one round, and wait until nothing of it is left."""
        before = self.victim.figures()
        sockets = min(self._most, attack.few if self._is_short and attack.few else attack.sockets)
        command = [sys.executable, "-m", "rig.adversary", attack.name, *map(str, self.victim.address)]
        process = subprocess.Popen(
            [*command, str(self._seconds), str(sockets)], cwd=SERVICES, stdout=subprocess.PIPE, text=True
        )
        try:
            p99 = self.honest.listen(self._seconds + 0.5)
            highest = self.victim.figures().memory["realtime"]
            is_over = self.honest.idle(lambda: process.poll() is not None, seconds=60)
        finally:
            process.kill()
            said, _ = process.communicate()
        is_settled = is_over and self.honest.idle(self._is_calm, seconds=SETTLE_SECONDS)
        unsettled = "" if is_settled else f"{self.victim.gauges()} {self.victim.figures().files}"
        done = json.loads(said) if is_over else {}
        after = self.victim.figures()
        return Round(done, p99, self.honest.failures, before, after, highest, is_settled, unsettled)

    def _is_calm(self) -> bool:
        return self.victim.gauges() == self._calm and self.victim.figures().files == self.begun.files


def line(report: Report) -> str:
    """Return one line of the table."""
    last = report.rounds[-1]
    first, grown = report.rounds[0].after, last.after
    return " | ".join(
        (
            f"{report.attack:26}",
            f"{report.quiet:6.1f}",
            f"{report.p99:7.1f}",
            f"{report.rounds[0].before.memory['realtime'] / MEGABYTE:5.0f}",
            f"{max(each.highest for each in report.rounds) / MEGABYTE:5.0f}",
            f"{first.memory['realtime'] / MEGABYTE:5.0f}",
            f"{grown.memory['realtime'] / MEGABYTE:5.0f}",
            f"{report.rounds[0].before.redis_bytes / MEGABYTE:5.1f}",
            f"{grown.redis_bytes / MEGABYTE:5.1f}",
            f"{grown.redis_keys:6}",
            f"{grown.log_lines - report.rounds[0].before.log_lines:5}",
            f"{last.failures or ''}{last.unsettled} {last.done}",
        )
    )


HEAD = "attack                     | quiet  |   p99   | RSS   | top   | 1st   | last  | Redis       | keys   | lines |"


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the options of a siege; without any it is the promise's."""
    parser = argparse.ArgumentParser(prog="python -m rig.adversary.siege", description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", default=list(ATTACKS))
    parser.add_argument("--edge", action="store_true", help="come in through nginx")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-second", type=float, default=5)
    parser.add_argument("--short", action="store_true", help="fewer sockets where fewer are enough")
    return parser.parse_args(arguments)


def main() -> int:
    """Lay siege and print the table."""
    options = options_of()
    settings.configure(DEBUG=True)
    print(HEAD, flush=True)
    broken = 0
    for name in options.attacks:
        report = besiege(ATTACKS[name], options)
        print(line(report), *report.broken, flush=True)
        broken += bool(report.broken)
    return int(broken > 0)


def besiege(attack: Attack, options: argparse.Namespace) -> Report:
    """Attack a victim of its own, so that one attack's figures are not another's."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Victim(Path(directory), has_edge=options.edge, is_pinned=True) as victim,
        Honest(victim.address, options.clients, per_second=options.per_second) as honest,
    ):
        honest.listen(1)
        report = Report(attack.name, honest.listen(options.seconds))
        siege = Siege(victim, honest, seconds=options.seconds, is_short=options.short, most=_most_sockets(options))
        for _ in range(options.rounds):
            report.rounds.append(siege.attack(attack))
        return report


def _most_sockets(options: argparse.Namespace) -> int:
    return MOST_THROUGH_EDGE if options.edge else MOST


if __name__ == "__main__":
    sys.exit(main())
