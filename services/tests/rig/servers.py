"""Real servers for tests: started on loopback, on free ports, ended by their process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from rig.packages import package_of

SERVICES = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0
REDIS = "MATRIX_REDIS"
"""The variable that names another server than the one that is installed, for ``make redis-versions``."""


class MissingServer(RuntimeError):
    """A program that the tests need is not installed: `wants` is the Debian package that brings it."""

    def __init__(self, wants: str) -> None:
        super().__init__(f"not installed: {wants}")
        self.wants = wants


_given: set[int] = set()


def free_port() -> int:
    """
    Return a TCP port of the loopback address that nobody listens on now, and that was not returned before.

    Who is given a port listens a moment later: given twice, one server would take the other for itself.
    """
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


def find_program(*names: str) -> str:
    """Return the path of the first of *names* that is installed, or raise `MissingServer`."""
    folders = [os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *_postgresql_folders()]
    for name in names:
        if path := shutil.which(name, path=os.pathsep.join(folders)):
            return path
    raise MissingServer(package_of(names[0]))


def npm_file(path: str) -> Path:
    """Return that file of an npm package that the tests use, or raise `MissingServer`."""
    found = SERVICES / "tests/sdk/node_modules" / path
    if not found.exists():
        raise MissingServer("npm packages are missing: make test installs them if there is npm")
    return found


def find_redis() -> str:
    """Return the path of a Redis or Valkey: the one that `REDIS` names, else one that is installed."""
    return os.environ.get(REDIS) or find_program("redis-server", "valkey-server")


def _postgresql_folders() -> list[str]:
    """Debian keeps PostgreSQL's programs off PATH, in a folder for each version: the newest first."""
    return [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def wait_until(condition: Callable[[], bool], *, seconds: float = START_SECONDS, what: str = "condition") -> None:
    """Poll *condition* until it holds, or raise `TimeoutError` after *seconds*."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def is_listening(port: int) -> bool:
    """Tell whether something on loopback accepts connections on *port*."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Server:
    """A child process that listens on `port`. Use as a context manager."""

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        *,
        env: dict[str, str] | None = None,
        cwd: Path = SERVICES,
        log: Path | None = None,
        own_group: bool = False,
    ) -> None:
        self.own_group = own_group
        self.command = list(command)
        self.port = port
        self.env = {**os.environ, **(env or {})}
        self.cwd = cwd
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start the process and wait until it listens; one that does not is ended."""
        output = self.log.open("ab") if self.log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            self.command,
            env=self.env,
            cwd=self.cwd,
            stdout=output,
            stderr=output,
            start_new_session=self.own_group,
        )
        if self.log:
            output.close()  # type: ignore[union-attr]
        try:
            wait_until(self._is_up, what=f"{self.command[0]} on port {self.port}")
        except BaseException:
            self.kill()
            raise
        return self

    def _is_up(self) -> bool:
        assert self.process is not None
        if (status := self.process.poll()) is not None:
            text = self.log.read_text(errors="replace")[-2000:] if self.log else ""
            raise RuntimeError(f"{' '.join(self.command)} exited with {status} at start\n{text}")
        return is_listening(self.port)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, for example SIGSTOP."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End the process with SIGKILL and reap it; one with a group of its own takes its children along."""
        if self.process and self.process.poll() is None:
            if self.own_group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait()

    def stop(self, *, seconds: float = 15) -> int:
        """End the process with SIGTERM (SIGKILL after *seconds*) and return its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self.process is not None:
            self.stop()


class RedisServer(Server):
    """
    A Redis (or Valkey) of its own, without persistence unless *options* say otherwise.

    *user* is who the rig is there, as addresses say it: ``name:password@``.
    """

    def __init__(self, directory: Path, *options: str, port: int | None = None, user: str = "") -> None:
        self.user = user
        port = port or free_port()
        persistence = [] if "--appendonly" in options or "--save" in options else ["--save", "", "--appendonly", "no"]
        command = [
            find_redis(),
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(directory),
        ]
        super().__init__([*command, *persistence, *options], port)

    @property
    def url(self) -> str:
        """The address of database 0, as redis-py wants it."""
        return f"redis://{self.user}127.0.0.1:{self.port}/0"
