"""The outbox's statements on a real PostgreSQL, past Django's cursor and through it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from django.db import ProgrammingError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from rig.postgres import PostgresServer
from tandem.models import OutboxEntry, Pause, make_key
from tandem.outbox import rows
from tandem.outbox.rows import Row
from tandem.outbox.statements import numbers

ALIAS = "postgres"
CHANNEL = 'public:it\'s {a} \\ "b",c'.replace(" ", "%")


@pytest.fixture(scope="module")
def server(django_db_blocker: Any) -> Iterator[PostgresServer]:
    """A database with the outbox's table."""
    with PostgresServer() as server, django_db_blocker.unblock():
        given = {"NAME": "postgres", "USER": "tandem", "HOST": "127.0.0.1", "PORT": server.port}
        connections.settings[ALIAS] = connections.configure_settings(
            {
                "default": connections.settings["default"],
                ALIAS: {"ENGINE": "django.db.backends.postgresql", **given},
            }
        )[ALIAS]
        with connections[ALIAS].schema_editor() as editor:
            editor.create_model(OutboxEntry)
            editor.create_model(Pause)
        yield server
        connections[ALIAS].close()
        del connections[ALIAS], connections.settings[ALIAS]


@pytest.fixture(params=["past", "through"])
def connection(request: Any, server: PostgresServer) -> Iterator[BaseDatabaseWrapper]:
    """A connection on which nobody looks on, and one where somebody does: whose statements are like any other."""
    connection = connections[ALIAS]
    looks_on = CaptureQueriesContext(connection) if request.param == "through" else nullcontext()
    with looks_on as seen:
        yield connection
        assert seen is None or len(seen) > 0


def row(data: str, channel: str = CHANNEL) -> Row:
    return Row(0, channel, data, '{"tab":"1,2"}', "id-ä", make_key())


def test_what_was_written_is_read_and_deleted(connection: BaseDatabaseWrapper) -> None:
    """In their order, whatever stands in them, with numbers that fit."""
    texts = ['"\\u0000 \\\\ ä \U0001f600"', "null", "12345678901234567890", *(str(number) for number in range(100))]
    with transaction.atomic(using=ALIAS):
        written = rows.insert(connection, [row(text) for text in texts])
    found = rows.read(rows.waiting(ALIAS))
    first = rows.waiting_numbers(connection, [CHANNEL, "public:other"], up_to=written[9].pk, limit=5)
    rows.delete(connection, [each.pk for each in written[:-1]])
    left = rows.read(rows.waiting(ALIAS))
    rows.delete(connection, [written[-1].pk])

    assert [each.data for each in found] == texts
    assert found == written
    assert first == [each.pk for each in written[:5]]
    assert left == written[-1:]


def test_transaction_is_django_s(connection: BaseDatabaseWrapper) -> None:
    """What is rolled back is gone, to a savepoint or whole; outside of one a statement commits by itself."""
    with transaction.atomic(using=ALIAS):
        [kept] = rows.insert(connection, [row("1")])
        savepoint = transaction.savepoint(using=ALIAS)
        rows.insert(connection, [row("2")])
        transaction.savepoint_rollback(savepoint, using=ALIAS)
    with transaction.atomic(using=ALIAS):
        rows.insert(connection, [row("3")])
        transaction.set_rollback(True, using=ALIAS)
    connection.close()
    found = rows.read(rows.waiting(ALIAS))
    rows.delete(connection, [each.pk for each in found])
    connection.close()

    assert found == [kept]
    assert rows.read(rows.waiting(ALIAS)) == []


def test_first_statement_of_a_transaction_begins_it(connection: BaseDatabaseWrapper) -> None:
    """Django has not told PostgreSQL yet that one began."""
    with transaction.atomic(using=ALIAS):
        rows.insert(connection, [row("1")])
        transaction.set_rollback(True, using=ALIAS)

    assert rows.read(rows.waiting(ALIAS)) == []


def test_errors_are_django_s(connection: BaseDatabaseWrapper) -> None:
    """And a broken transaction is known to be broken."""
    with pytest.raises(ProgrammingError, match="nowhere"), transaction.atomic(using=ALIAS):
        numbers(connection, "SELECT id FROM nowhere")
    with transaction.atomic(using=ALIAS):
        transaction.set_rollback(True, using=ALIAS)
        with pytest.raises(transaction.TransactionManagementError):
            numbers(connection, "SELECT 1")
