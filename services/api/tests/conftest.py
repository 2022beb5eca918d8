"""Django as the api's own tests need it: SQLite in memory, the real Redis of the run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from pytest_django import Settings

from rig.postgres import PostgresServer
from rig.servers import RedisServer, free_port
from tests.gunicorn_process import Gunicorn

os.environ["TANDEM_DEBUG"] = "1"
os.environ["DJANGO_SETTINGS_MODULE"] = "api.settings"
os.environ["DATABASE_URL"] = "sqlite://:memory:"

django.setup()  # before test modules import models


@pytest.fixture(autouse=True)
def _own_redis(settings: Settings, redis_url: str, tmp_path: Path) -> None:
    """Use the Redis of the run, empty; and no static files, which another run may be collecting right now."""
    settings.TANDEM = {"redis_urls": [redis_url], "api_keys": ["old-key", "new-key"]}
    settings.STATIC_ROOT = tmp_path


@pytest.fixture
def redis_down(settings: Settings) -> None:
    """Use a Redis that is not there."""
    settings.TANDEM = {**settings.TANDEM, "redis_urls": [f"redis://127.0.0.1:{free_port()}/0"]}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer
) -> Iterator[Gunicorn]:
    """The api as it runs in production, over each database."""
    directory: Path = tmp_path_factory.mktemp("served")
    is_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres").url if is_postgres else f"sqlite:///{directory / 'tandem.sqlite3'}"
    with Gunicorn(directory, database_url=url, redis_url=redis_server.url) as server:
        yield server
