"""
The publishing process: sends what is due when it is due, whatever the receiving side is doing.

The generator starts it as ``python -m loadgen.publishing``, gives it a plan on standard input, a start time once it is
ready, and reads what became of it from standard output.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from . import messages, publishers
from .schedule import Schedule
from .target import Target

MAX_BATCH = 64


@dataclass(frozen=True)
class Plan:
    """What to publish, where and how."""

    kind: str
    channels: list[str]
    rate: float
    count: int
    size: int = 128
    first_number: int = 0
    wall_clock: bool = False
    url: str = "ws://127.0.0.1:8100/ws/"
    token: str = ""
    where: dict[str, str] = field(default_factory=dict)
    core: int | None = None

    @property
    def schedule(self) -> Schedule:
        """Return when each publication is due."""
        return Schedule(self.rate, self.count, len(self.channels))


@dataclass(frozen=True)
class Outcome:
    """What became of a plan. `late_ms` is the most that a publication was sent after it was due."""

    published: int = 0
    late_ms: float = 0.0
    error: str = ""


class Publication:
    """A plan being carried out by a child process; the parent never waits for it in its loop."""

    def __init__(self, plan: Plan, env: dict[str, str] | None = None) -> None:
        self.plan = plan
        command = [sys.executable, "-m", "loadgen.publishing"]
        environ = {**os.environ, **(env or {})}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environ)
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._tell(asdict(plan))
        self._output = b""
        self.outcome: Outcome | None = None

    @property
    def is_ready(self) -> bool:
        """Tell whether the child is connected and waits for the start time, or has failed."""
        return self._read() > 0 or self.is_done

    @property
    def is_done(self) -> bool:
        """Tell whether the child has said what became of the plan."""
        if self.outcome is None:
            self._read()
            *lines, _ = self._output.split(b"\n")
            if lines and lines[-1].startswith(b"{"):
                self.outcome = Outcome(**json.loads(lines[-1]))
            elif self.process.poll() is not None:
                self.outcome = Outcome(error=f"the publishing process ended with {self.process.returncode}")
        return self.outcome is not None

    def begin(self, *, in_seconds: float = 0.2) -> int:
        """Say when number 0 is due; return that time, in monotonic nanoseconds."""
        begin = time.monotonic_ns() + int(in_seconds * 1e9)
        self._tell({"begin": begin})
        return begin

    def stop(self) -> None:
        """End the child if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _tell(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; `is_done` says so
            self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def _read(self) -> int:
        assert self.process.stdout is not None
        self._output += self.process.stdout.read() or b""
        return self._output.count(b"\n")


class Sender:
    """Carries out a plan: sleeps until something is due, sends everything that is."""

    def __init__(self, plan: Plan, publisher: publishers.Publisher) -> None:
        self.plan = plan
        self.publisher = publisher
        self.schedule = plan.schedule
        self.late = 0

    def run(self, begin: int) -> int:
        """Send all, number 0 at *begin* (monotonic nanoseconds); return how many were sent."""
        base = time.time_ns() - time.monotonic_ns() if self.plan.wall_clock else messages.MONOTONIC_BASE
        sent = 0
        while sent < self.plan.count:
            now = time.monotonic_ns()
            due = self.schedule.due_by(now - begin)
            if due <= sent:
                time.sleep(max(0, begin + self.schedule.due(sent) - now) / 1e9)
                continue
            stop = min(due, sent + MAX_BATCH)
            stamps = [begin + self.schedule.due(number) for number in range(sent, stop)]
            self.late = max(self.late, now - stamps[0])
            self._send(sent, [stamp + base for stamp in stamps])
            sent = stop
        return sent

    def _send(self, start: int, stamps: list[int]) -> None:
        plan, batch = self.plan, []
        for number, stamp in enumerate(stamps, start):
            channel = plan.channels[self.schedule.channel(number)]
            batch.append((channel, messages.body(stamp, plan.first_number + number, plan.size)))
        self.publisher.send(batch)


def main() -> None:
    """Carry out the plan on standard input."""
    source = open(0, "rb", buffering=0, closefd=False)  # noqa: SIM115  # lives as long as the process
    plan = Plan(**json.loads(_line(source)))
    if plan.core is not None:
        os.sched_setaffinity(0, {plan.core})
    try:
        publisher = publishers.make(plan.kind, plan.where, Target(plan.url, plan.token), plan.channels)
        print("ready", flush=True)
        begin = json.loads(_line(source))["begin"]
        sender = Sender(plan, publisher)
        sent = sender.run(begin)
        outcome = Outcome(sent, sender.late / 1e6)
    except Exception as error:  # whatever a publisher raises is the outcome; the parent reports it
        outcome = Outcome(error=f"{type(error).__name__}: {error}")
    print(json.dumps(asdict(outcome)), flush=True)
    source.read(1)  # stay until the last delivery is measured: the end of a process costs the generator's core 40 ms


def _line(source: IO[bytes]) -> bytes:
    text = b""
    while not text.endswith(b"\n"):
        if not (piece := source.read(1)):
            raise EOFError("the generator ended")
        text += piece
    return text


if __name__ == "__main__":
    main()
