"""A PostgreSQL of its own for tests that are about concurrency or about what SQLite does differently."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

import psycopg

from rig.servers import Server, find_program, free_port


def _unprivileged() -> list[str]:
    """Return what to put before a command: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]


class PostgresServer(Server):
    """Its data is gone when it stops."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tandem-postgres-"))
        port = free_port()
        options = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"]
        flags = [flag for option in options for flag in ("-c", option)]
        super().__init__([*_unprivileged(), find_program("postgres"), "-D", str(self.directory / "data"), *flags], port)

    @property
    def url(self) -> str:
        """The address of its only database."""
        return f"postgresql://tandem@127.0.0.1:{self.port}/postgres"

    @property
    def database(self) -> dict[str, Any]:
        """The same for Django's DATABASES."""
        engine = "django.db.backends.postgresql"
        return {"ENGINE": engine, "NAME": "postgres", "USER": "tandem", "HOST": "127.0.0.1", "PORT": self.port}

    def start(self) -> Self:
        """Make the cluster, the first time, and start it."""
        if not (self.directory / "data").exists():
            if os.geteuid() == 0:
                shutil.chown(self.directory, "nobody", "nogroup")
            command = [
                find_program("initdb"),
                "-D",
                str(self.directory / "data"),
                "-U",
                "tandem",
                "-A",
                "trust",
                "--no-sync",
            ]
            subprocess.run([*_unprivileged(), *command], check=True, capture_output=True, cwd=self.directory)
        return super().start()

    def _is_up(self) -> bool:
        """Tell whether it lets somebody in: it listens some time before."""
        if not super()._is_up():
            return False
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:  # "the database system is starting up"
            return False
        return True

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        shutil.rmtree(self.directory, ignore_errors=True)
