"""Whether rows may be older than a position: what each isolation level of a real PostgreSQL says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connections, transaction

from rig.postgres import PostgresServer
from tandem.live.snapshots import may_be_older


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres(server: PostgresServer, django_db_blocker: object) -> Iterator[str]:
    """The alias of that database."""
    connections.settings["postgres"] = connections.configure_settings(
        {
            "default": connections.settings["default"],
            "postgres": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "tandem",
                "HOST": "127.0.0.1",
                "PORT": server.port,
            },
        }
    )["postgres"]
    with django_db_blocker.unblock():
        yield "postgres"
        connections["postgres"].close()
    del connections["postgres"], connections.settings["postgres"]


def test_outside_of_a_transaction(postgres: str) -> None:
    """Each query sees what is committed by then."""
    connections[postgres].ensure_connection()

    assert may_be_older() is False


@pytest.mark.parametrize(
    ("level", "is_older"), [("READ COMMITTED", False), ("REPEATABLE READ", True), ("SERIALIZABLE", True)]
)
def test_isolation_levels(postgres: str, level: str, is_older: bool) -> None:
    """Whatever the settings say: the server is asked."""
    with transaction.atomic(using=postgres):
        with connections[postgres].cursor() as cursor:
            cursor.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")

        assert may_be_older() is is_older
