"""Somebody's web process, worker and realtime, that are rolled from one Redis to another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from rig.servers import Server, free_port

SETTINGS = """
SECRET_KEY = "of the test"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "tandem"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "team.sqlite3", "OPTIONS": {"timeout": 20}}}
USE_TZ = True
"""

WEB = """
import contextlib, io, json, sys
import django; django.setup()
from django.core.management import call_command
from django.db import transaction
from tandem import publish, publish_on_commit
from tandem.errors import PublishingPaused
from tandem.subcommands import pause

pause.SETTLE_SECONDS = 1  # SQLite and a Redis beside it are quick

def commit(first, last, channels):
    for number in range(first, last):
        with transaction.atomic():
            for channel in channels:
                publish_on_commit(channel, number)

def direct(channel):
    try:
        return publish(channel, 0).offset
    except PublishingPaused as refused:
        return str(refused)

def manage(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        call_command(*arguments)
    return said.getvalue()

for line in sys.stdin:
    name, arguments = json.loads(line)
    print(json.dumps(globals()[name](*arguments)), flush=True)
"""


class Web:
    """A process of the team's web side, told by lines what to do: it publishes in its own way until it ends."""

    def __init__(self, directory: Path, environ: dict[str, str], log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-c", WEB],
                cwd=directory,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.communicate()

    def commit(self, first: int, last: int, channels: list[str]) -> None:
        """Commit the numbers from *first* to before *last*, each to every one of *channels* in one transaction."""
        self._ask("commit", first, last, channels)

    def direct(self, channel: str) -> Any:
        """Publish directly, and return the offset, or with what it was refused."""
        return self._ask("direct", channel)

    def manage(self, *arguments: str) -> str:
        """Run ``manage.py`` and return what it says."""
        return str(self._ask("manage", *arguments))

    def _ask(self, what: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([what, arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{what} failed: see the log"
        return json.loads(answer)


class Team:
    """
    A project in *directory*, whose services are started at one Redis and then at another.

    Two of one directory are its old and its new pods, side by side. *environ* is what all of them are told.
    """

    def __init__(self, directory: Path, **environ: str) -> None:
        self.directory = directory
        self._environ = environ
        (directory / "team_settings.py").write_text(SETTINGS)
        self._port, self._private = free_port(), free_port()
        self._log = directory / "log"

    @property
    def sockets(self) -> str:
        """The address of the sockets, which stays."""
        return f"ws://127.0.0.1:{self._port}/ws/"

    @contextlib.asynccontextmanager
    async def serving(self, urls: str) -> AsyncIterator[Web]:
        """Run a web process, a worker and realtime, all at the Redis of *urls*."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith(("TANDEM_", "DJANGO_"))}
        given = {**foreign, "TANDEM_REDIS_URLS": urls, "TANDEM_DEBUG": "1", "TANDEM_BIND_HOST": "127.0.0.1"}
        given |= {"TANDEM_BIND_PORT": str(self._port), "TANDEM_PRIVATE_PORT": str(self._private)}
        given |= {"TANDEM_DRAIN_SECONDS": "0.2", **self._environ}
        project = {**given, "DJANGO_SETTINGS_MODULE": "team_settings", "PYTHONPATH": str(self.directory)}
        worker = [sys.executable, "-m", "django", "runworker", "tandem", "--probe-port", str(probe := free_port())]
        with Web(self.directory, project, self._log) as web:
            realtime = Server([sys.executable, "-m", "tandem_realtime"], self._port, env=given, log=self._log)
            working = Server(worker, probe, env=project, cwd=self.directory, log=self._log)
            servers = (realtime, working)
            try:
                await asyncio.gather(
                    asyncio.to_thread(web.manage, "migrate"), *(asyncio.to_thread(each.start) for each in servers)
                )
                yield web
            finally:  # beside the clients, which say good-bye
                await asyncio.gather(*(asyncio.to_thread(each.__exit__) for each in servers))
