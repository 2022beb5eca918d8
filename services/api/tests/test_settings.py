"""The environment: what must be set, and what it becomes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from api.settings import database

REQUIRED = {
    "DJANGO_SECRET_KEY": "secret",
    "DJANGO_ALLOWED_HOSTS": "tandem.example",
}


def load_settings(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process with nothing but *environ*."""
    environ = {"PATH": os.environ["PATH"], **environ}
    command = [
        sys.executable,
        "-c",
        "import api.settings as s; print(s.DEBUG, s.ALLOWED_HOSTS, s.SESSION_COOKIE_SECURE)",
    ]
    return subprocess.run(command, env=environ, capture_output=True, text=True)


def test_all_that_is_required_is_enough() -> None:
    """Outside of development, two variables have to be set."""
    loaded = load_settings(REQUIRED)

    assert loaded.stdout == "False ['tandem.example'] True\n", loaded.stderr


@pytest.mark.parametrize("name", REQUIRED)
def test_process_dies_naming_what_is_missing(name: str) -> None:
    """A missing variable ends the process, with its name on the last line."""
    loaded = load_settings({key: value for key, value in REQUIRED.items() if key != name})

    assert loaded.returncode != 0
    assert f"{name} must be set" in loaded.stderr.splitlines()[-1]


def test_development_needs_nothing() -> None:
    """TANDEM_DEBUG=1 has a default for everything."""
    loaded = load_settings({"TANDEM_DEBUG": "1"})

    assert loaded.stdout == "True ['localhost', '127.0.0.1', '[::1]'] False\n", loaded.stderr


def test_sqlite_takes_the_write_lock_at_begin() -> None:
    """SQLite runs with a write-ahead log and immediate transactions, and waits for another writer."""
    options = database("sqlite:////data/tandem.sqlite3")["OPTIONS"]

    assert options == {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}


def test_postgresql_has_a_pool_as_large_as_the_threads() -> None:
    """Each thread of a gunicorn worker can have a connection; a dead one is noticed before it is used."""
    settings = database("postgresql://tandem:secret@db/tandem?sslmode=require")

    assert settings["CONN_HEALTH_CHECKS"] is True
    assert settings["OPTIONS"] == {
        "sslmode": "require",
        "pool": {"min_size": 1, "max_size": 8, "timeout": 5},
        "connect_timeout": 5,
    }
