"""
Where a server's processor time goes, while it runs: ``python -m loadgen.sampling FILE MODULE [argument ...]``.

Runs MODULE as ``python -m`` would, and notes the Python stack at every tick of its processor time (so nothing while it
sleeps). SIGUSR2 appends what was seen so far to FILE, one JSON object a line, and starts anew.
"""

from __future__ import annotations

import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

TICK_SECONDS = 0.001  # the kernel rounds it up to its own tick


class Sampler:
    """Counts stacks: a stack is its functions from the outermost in, the last with its line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stacks: Counter[str] = Counter()

    def start(self) -> None:
        """Sample from now on."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.signal(signal.SIGUSR2, self._write)
        signal.setitimer(signal.ITIMER_PROF, TICK_SECONDS, TICK_SECONDS)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        line = frame.f_lineno if frame else 0
        names = []
        while frame is not None:
            names.append(f"{_module(frame.f_code.co_filename)}:{frame.f_code.co_qualname}")
            frame = frame.f_back
        self.stacks[";".join(reversed(names)) + f":{line}"] += 1

    def _write(self, number: int, frame: FrameType | None) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(self.stacks) + "\n")
        self.stacks = Counter()


def _module(filename: str) -> str:
    parts = Path(filename).parts
    for root in ("site-packages", "services", "python3.11", "python3.12", "python3.13"):
        if root in parts:
            parts = parts[parts.index(root) + 1 :]
    return "/".join(parts[-3:])


def costs(stacks: dict[str, int]) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    """Return functions by their share with everything they call, and lines by their own share, largest first."""
    total = sum(stacks.values()) or 1
    inclusive: Counter[str] = Counter()
    own: Counter[str] = Counter()
    for stack, count in stacks.items():
        functions, _, line = stack.rpartition(":")
        names = functions.split(";")
        own[f"{names[-1]}:{line}"] += count
        for name in set(names):
            inclusive[name] += count
    return _shares(inclusive, total), _shares(own, total)


def _shares(counts: Counter[str], total: int) -> list[tuple[str, float]]:
    return [(name, count / total) for name, count in counts.most_common()]


if __name__ == "__main__":
    target, module, *rest = sys.argv[1:]
    Sampler(Path(target)).start()
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
