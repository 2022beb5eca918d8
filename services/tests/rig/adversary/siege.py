"""
One attack after the other, and what was measured: ``python -m rig.adversary.siege [--edge] [ATTACK...]``.

Each line of its table begins with PASS or FAIL and ends with what did not hold, if anything did not; then the status is
1. On a machine that others use too a session of its own, which the kernel serves before theirs, keeps them out of the
figures: ``setsid -w sh -c 'echo -20 > /proc/self/autogroup; exec python -m rig.adversary.siege'``, as root.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from rig.adversary.honest import Honest
from rig.adversary.report import HEAD, Report, Round
from rig.adversary.scripts import Attack
from rig.adversary.table import ATTACKS
from rig.adversary.victim import Victim
from rig.servers import SERVICES

SETTLE_SECONDS = 45.0
TRIM_SECONDS = 2.5
"""When memory that was given free has gone back to the kernel (`tandem_realtime.allocator`)."""
MOST, MOST_THROUGH_EDGE = 10_000, 3000
"""How many sockets an attack has at most."""


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
        self.begun = victim.figures()  # first: who asks for gauges has a connection, which goes when there is time
        self._calm = victim.gauges()

    def attack(self, attack: Attack) -> Round:
        """Play one round, and wait until nothing of it is left."""
        before = self.victim.figures()
        sockets = min(self._most, attack.few if self._is_short and attack.few else attack.sockets)
        command = [sys.executable, "-m", "rig.adversary", attack.name, *map(str, self.victim.address)]
        process = subprocess.Popen(
            [*command, str(self._seconds), str(sockets)],
            cwd=SERVICES / "tests",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            process.stdout.readline()  # a program that is being loaded would take the core of the honest
            print(file=process.stdin, flush=True)
            p99 = self.honest.listen(self._seconds + 0.5)
            highest = self.victim.figures().sizes
            is_over = self.honest.idle(lambda: process.poll() is not None, seconds=60)
        finally:
            process.kill()
            said, _ = process.communicate()
        is_settled = is_over and self.honest.idle(self._is_calm, seconds=SETTLE_SECONDS)
        unsettled = "" if is_settled else f"{self.victim.gauges()} {self.victim.figures().files}"
        done = json.loads(said or "{}")
        if not self._is_short:
            self.honest.idle(lambda: False, seconds=TRIM_SECONDS)
        after = self.victim.figures()
        return Round(done, p99, self.honest.failures, before, after, highest, is_settled, unsettled)

    def _is_calm(self) -> bool:
        return self.victim.gauges() == self._calm and self.victim.figures().files == self.begun.files


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
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    print(
        f"{options.clients} honest clients, {_most_sockets(options)} hostile sockets at most, {files} files a process"
    )
    print("     " + HEAD, flush=True)
    failed = [name for name in options.attacks if not _holds(ATTACKS[name], options)]
    print(f"{len(options.attacks) - len(failed)} of {len(options.attacks)} attacks passed", *failed)
    return int(bool(failed))


def _holds(attack: Attack, options: argparse.Namespace) -> bool:
    """Attack, and print a line; what stops one attack does not stop those after it."""
    try:
        report = besiege(attack, options)
    except Exception as error:  # a server that died, clients that never came in: whatever it is, it did not hold
        traceback.print_exc()
        print(f"FAIL {attack.name:26} | {type(error).__name__}: {error}", flush=True)
        return False
    print(report.line(), flush=True)
    return not report.broken


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
        honest.idle(lambda: False, seconds=attack.kept)
        report.rounds[-1].after = victim.figures()
        return report


def _most_sockets(options: argparse.Namespace) -> int:
    return MOST_THROUGH_EDGE if options.edge else MOST


if __name__ == "__main__":
    sys.exit(main())
