"""A project with an inbox on PostgreSQL and Redis: its programs run as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Self

import msgspec
import redis

from rig.postgres import PostgresServer
from rig.servers import RedisServer

SETTINGS = """
import json, os
SECRET_KEY = "of a test, and of nobody else"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
    "tandem", "tandem.inbox", "site_app",
]
DATABASES = {"default": json.loads(os.environ["SITE_DATABASE"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = os.environ["SITE_FOLDER"] + "/mail"
TANDEM = {"namespaces": {
    "notifications": {"history_size": 100000, "history_ttl": 3600, "recovery": True, "personal": True},
    "inbox": {"history_size": 100000, "history_ttl": 3600, "recovery": True},
}}
"""

KINDS = """
from datetime import timedelta

from tandem.inbox import kind

@kind("thing")
class Thing:
    title = "Thing {{ data.key }}"

@kind("like")
class Like:
    title = "{{ actor }} and {{ others }} others"

@kind("letter")
class Letter:
    title = "A letter"
    media = ("inbox", "email")
    email_after = timedelta()
"""


class InboxSite:
    """Use as a context manager: it starts PostgreSQL and Redis, and makes the tables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = PostgresServer()
        self.redis = RedisServer(folder)
        self.log = folder / "site.log"
        self._running: list[subprocess.Popen[bytes]] = []
        app = folder / "site_app"
        app.mkdir()
        (app / "__init__.py").touch()
        (app / "notifications.py").write_text(KINDS)
        (folder / "site_settings.py").write_text(SETTINGS)

    def __enter__(self) -> Self:
        try:
            self.postgres.start()
            self.redis.start()
            self.run("from django.core.management import call_command; call_command('migrate', verbosity=0)")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        for process in self._running:
            process.kill()
            process.wait()
        self.redis.__exit__(*exc)
        self.postgres.__exit__(*exc)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its programs."""
        database = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "tandem",
            "HOST": "127.0.0.1",
            "PORT": self.postgres.port,
        }
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TANDEM_", "DJANGO_"))},
            "PYTHONPATH": str(self.folder),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "site_settings",
            "SITE_DATABASE": json.dumps(database),
            "SITE_FOLDER": str(self.folder),
            "TANDEM_REDIS_URLS": self.redis.url,
        }

    def run(self, code: str, *, seconds: float = 120) -> Any:
        """Run *code* in the project, and return the JSON that it prints, if any."""
        program = "import django; django.setup()\n" + textwrap.dedent(code)
        run = subprocess.run(
            [sys.executable, "-c", program],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        if run.returncode:
            raise RuntimeError(run.stderr)
        return json.loads(run.stdout) if run.stdout else None

    def work(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        command = [sys.executable, "-m", "django", "runworker", "tandem", *options]
        with self.log.open("ab") as log:
            self._running.append(subprocess.Popen(command, env=self.environ, stdout=log, stderr=log))
        return self._running[-1]

    def pushed(self, channel: str) -> list[dict[str, Any]]:
        """Return the data of everything that was published to *channel*, in order."""
        with redis.Redis.from_url(self.redis.url) as client:
            entries: Any = client.xrange(f"tandem:stream:{{{channel}}}")
        return [json.loads(msgspec.msgpack.decode(fields[b"b"])["json"]) for _, fields in entries]

    def mailed(self) -> list[EmailMessage]:
        """Return every email that was sent, the first first."""
        files = sorted((self.folder / "mail").glob("*"), key=lambda path: path.stat().st_mtime)
        texts = [text for path in files for text in path.read_text().split("-" * 79 + "\n") if text.strip()]
        return [message_from_string(text, policy=default) for text in texts]  # type: ignore[misc]  # by that policy

    def count_pushes(self) -> int:
        """Return how many publications all users' own channels have, together."""
        with redis.Redis.from_url(self.redis.url) as client:
            keys = list(client.scan_iter("tandem:stream:{notifications:*", count=10_000))
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.xlen(key)
                return sum(pipeline.execute())
