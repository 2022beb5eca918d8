"""Start everything, say where it is, stop everything. Run by ``make demo``."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import FrameType

from demo import ports, programs, supervisor
from demo.edge import write_edge_files
from demo.problem import Problem
from demo.settings import Settings

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody wants the demo to end."""


class AlreadyRunning(Exception):
    """Another demo holds the state folder; the text says where it answers."""


def main() -> int:
    """Run the demo until a signal ends it, and return the exit status."""
    _end_on_signals()
    try:
        settings = Settings.from_environ(os.environ)
        with _lock(settings) as lock:
            _run(settings, lock)
    except AlreadyRunning as running:
        print(f"Already running at {running}", flush=True)
        return 0
    except Problem as problem:
        print(f"make demo: {problem}", file=sys.stderr, flush=True)
        return 1
    except Stopped:
        with contextlib.suppress(OSError):  # the terminal may be gone
            print("Stopped.", flush=True)
    return 0


def _run(settings: Settings, lock: int) -> None:
    ports.check_free(settings.ports, host=settings.host)
    redis = programs.find_redis()
    nginx = programs.find_nginx() if settings.wants_edge else None
    environ = settings.programs_environ(has_edge=nginx is not None)
    if nginx:
        write_edge_files(
            settings.state / "edge",
            listen=settings.listen_address,
            api=f"127.0.0.1:{settings.ports['api']}",
            realtime=f"127.0.0.1:{settings.ports['realtime']}",
        )
    _prepare(settings, environ)
    environ |= {
        "DEMO_PYTHON": sys.executable,
        "DEMO_REDIS": redis,
        "DEMO_NGINX": nginx or "nginx",
        "DEMO_HAS_EDGE": "true" if nginx else "false",
    }
    process = supervisor.start(settings, environ, lock=lock)
    try:
        supervisor.wait_until_up(process, settings)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{settings.url}/counter/ (Ctrl-C there, or kill {os.getpid()}, stops it)".encode(), 0)
        print(_addresses(settings, has_edge=nginx is not None), flush=True)
        status = supervisor.wait_for_end(process, meanwhile=Audience().check)
        raise Problem(f"supervisord ended with status {status}.\n{supervisor.last_words(settings)}")
    finally:
        for number in ENDING_SIGNALS:  # one is enough: what follows takes seconds
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop(process)


class Audience:
    """Who runs us: a terminal, and make. A signal tells that they are gone only to whoever leads the session."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._terminal = select.poll()
        if sys.stdout.isatty():
            self._terminal.register(sys.stdout, 0)  # 0: a hang-up is always told

    def check(self) -> None:
        """Raise `Stopped` when the terminal or the parent is gone."""
        if self._terminal.poll(0) or os.getppid() != self._parent:
            raise Stopped


def _end_on_signals() -> None:
    def end(number: int, frame: FrameType | None) -> None:
        raise Stopped

    for number in ENDING_SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup stays nohup
            signal.signal(number, end)


@contextlib.contextmanager
def _lock(settings: Settings) -> Iterator[int]:
    """Hold the state folder, or raise `AlreadyRunning`."""
    try:
        for name in ("logs", "redis", "metrics"):
            (settings.state / name).mkdir(parents=True, exist_ok=True)
        file = (settings.state / "lock").open("a+")
    except OSError as error:
        raise Problem(
            f"{settings.state} cannot be written ({error.strerror}); DEMO_DIR names another folder."
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(file.read() or f"{settings.url}, or just starting or stopping.") from None
        file.truncate(0)
        yield file.fileno()


def _prepare(settings: Settings, environ: Mapping[str, str]) -> None:
    log = settings.state / "logs/prepare.log"
    with log.open("w") as output:
        run = subprocess.run(
            [sys.executable, "-m", "demo.prepare"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if run.returncode:
        raise Problem(f"The database is not ready: {log.read_text().strip().rpartition(chr(10))[2]} (more in {log})")


def _addresses(settings: Settings, *, has_edge: bool) -> str:
    at = settings.ports
    if has_edge:
        hops = f"nginx :{at['edge']} -> gunicorn :{at['api']}, Daphne :{at['realtime']}; Redis :{at['redis']}"
    else:
        hops = f"Daphne :{at['edge']} answers everything; Redis :{at['redis']}"
    return f"""
Tandem is running.

  start at  {settings.url}/
  counter   {settings.url}/counter/
  button    {settings.url}/increment/
  API       {settings.url}/api/docs
  admin     {settings.url}/admin/  (admin, {settings.secrets["DJANGO_SUPERUSER_PASSWORD"]})

  {hops}
  state and logs in {settings.state}; Ctrl-C stops everything
"""


if __name__ == "__main__":
    sys.exit(main())
