"""supervisord as a child: started, waited for, stopped, and never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from demo.problem import Problem
from demo.settings import Settings

CONFIG = Path(__file__).with_name("supervisord.conf")
START_SECONDS = 60.0
STOP_SECONDS = 25.0  # more than the longest stopwaitsecs in the configuration
LOOK_SECONDS = 0.5
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def start(settings: Settings, environ: Mapping[str, str], *, lock: int) -> subprocess.Popen[bytes]:
    """
    Start supervisord and return its process.

    It has a session of its own, so that Ctrl-C reaches only us; it gets SIGTERM should we die without a chance to stop
    it; should it die itself, its programs become our children, so that `stop` finds them. It holds the file descriptor
    *lock*, so that a second demo cannot start while it lives.
    """
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    log = (settings.state / "logs/supervisord.log").open("ab")
    command = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(CONFIG)]
    with log:
        return subprocess.Popen(
            command,
            cwd=settings.state,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock],
            preexec_fn=lambda: _prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
        )


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # only Linux has it
        ctypes.CDLL(None).prctl(option, value)


def wait_until_up(process: subprocess.Popen[bytes], settings: Settings) -> None:
    """Return when a page and a socket answer; raise `Problem` with the end of the logs when they do not."""
    deadline = time.monotonic() + START_SECONDS
    while not (_answers(settings, "/api/counters/") and _upgrades(settings)):
        if process.poll() is not None:
            raise Problem(f"supervisord ended with status {process.returncode}.\n{last_words(settings)}")
        if time.monotonic() > deadline:
            raise Problem(f"Nothing answers at {settings.url} after {START_SECONDS:.0f} s.\n{last_words(settings)}")
        time.sleep(0.1)


def wait_for_end(process: subprocess.Popen[bytes], *, meanwhile: Callable[[], None]) -> int:
    """
    Return supervisord's exit status when it ends; call *meanwhile* twice a second.

    Until then, end the orphans that come to us: the gunicorn and nginx workers of a first process that was killed would
    keep its port from its successor.
    """
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        if pid == 0:
            for orphan in set(_children(os.getpid())) - {process.pid}:
                os.kill(orphan, signal.SIGTERM)
            meanwhile()
            time.sleep(LOOK_SECONDS)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End supervisord and with it every program; what is left after that gets SIGKILL."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    for child in _descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.wait()


def last_words(settings: Settings, *, lines: int = 8) -> str:
    """Return the end of each program's log."""
    parts = []
    for log in sorted((settings.state / "logs").glob("*.log")):
        if text := log.read_text(errors="replace").splitlines()[-lines:]:
            parts.append("\n".join([f"-- {log}", *text]))
    return "\n".join(parts)


def _answers(settings: Settings, path: str) -> bool:
    connection = http.client.HTTPConnection(settings.probe_host, settings.port, timeout=2)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": settings.url.removeprefix("http://")})
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


def _upgrades(settings: Settings) -> bool:
    request = (
        f"GET /ws/ HTTP/1.1\r\nHost: {settings.url.removeprefix('http://')}\r\nOrigin: {settings.url}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    address = (settings.probe_host, settings.port)
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=2) as connection:
        connection.sendall(request.encode())
        return connection.recv(64).startswith(b"HTTP/1.1 101")
    return False


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):  # it has just ended
        return [
            int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
        ]
    return []


def _descendants(pid: int) -> list[int]:
    children = _children(pid)
    return children + [lower for child in children for lower in _descendants(child)]
