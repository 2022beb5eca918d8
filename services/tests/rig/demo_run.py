"""``make demo`` as a child: what it prints, what it started, what is left of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

import psutil

from rig.servers import SERVICES, find_program, find_redis, wait_until

PORTS = 6  # the demo takes its port and the next ones
START_SECONDS = 60.0


def free_port_range() -> int:
    """Return the first of as many consecutive free ports as the demo needs."""
    for first in range(20000 + os.getpid() % 5000, 60000, PORTS):
        probes = [socket.socket() for _ in range(PORTS)]
        try:
            for step, probe in enumerate(probes):
                probe.bind(("127.0.0.1", first + step))
            return first
        except OSError:
            continue
        finally:
            for probe in probes:
                probe.close()
    raise RuntimeError("no free ports")


def want_all() -> None:
    """Raise `MissingServer` where the demo would do without Redis, or without an edge."""
    find_redis()
    find_program("nginx")


def _hear_hang_up() -> None:
    """Under nohup the tests ignore it, and what they start would too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class DemoRun:
    """One run of the demo with a state folder of its own. Use as a context manager."""

    def __init__(self, state: Path, *, port: int | None = None, **environ: str) -> None:
        self.state = state
        self.port = port or free_port_range()
        self.output = state.with_suffix(".out")
        self.environ = {
            **os.environ,
            "DEMO_DIR": str(state),
            "DEMO_PORT": str(self.port),
            **environ,
        }

    @property
    def url(self) -> str:
        """The edge."""
        return f"http://localhost:{self.port}"

    @property
    def said(self) -> str:
        """Everything that was printed until now."""
        return self.output.read_text()

    def start(self) -> Self:
        """Start the demo without waiting."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                env=self.environ,
                stdout=output,
                stderr=output,
                cwd=SERVICES,
                preexec_fn=_hear_hang_up,
            )
        return self

    def wait_until_running(self) -> None:
        """Return when the addresses are printed; raise what was printed instead."""
        wait_until(lambda: "is running" in self.said or not self.is_alive(), seconds=START_SECONDS, what="demo")
        assert "is running" in self.said, self.said

    def is_alive(self) -> bool:
        """Tell whether the command itself is still there."""
        return self.process.poll() is None

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(40)

    def programs(self) -> list[psutil.Process]:
        """Every live process that was started for this state folder, however it came about."""
        mine = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("DEMO_STATE") == str(self.state) and process.status() != psutil.STATUS_ZOMBIE:
                    mine.append(process)
            except psutil.Error:
                continue
        return mine

    def pid_of(self, program: str) -> int:
        """Ask supervisord for the process id of one of its programs; 0 while it is not running."""
        config = SERVICES / "demo/demo/supervisord.conf"
        environ = dict(self.programs()[0].environ())
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(config), "pid", program]
        answer = subprocess.run(command, env=environ, capture_output=True, text=True, check=False).stdout.strip()
        return int(answer) if answer.isdecimal() else 0

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_until_running()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        if self.is_alive():
            self.end()
