"""The outbox's statements on a real PostgreSQL, past Django's cursor and through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import msgspec
import psycopg
import pytest
import redis
from django.db import IntegrityError, OperationalError, ProgrammingError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from rig.postgres import PostgresServer
from tandem import publish_on_commit, streams
from tandem.models import OutboxEntry, Pause
from tandem.outbox import rows
from tandem.outbox.rows import CLEAR_SECONDS, Unwritten
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
            editor.execute("CREATE TABLE parent (id int PRIMARY KEY)")
            editor.execute("CREATE TABLE child (of int REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
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


@pytest.fixture
def other(server: PostgresServer) -> Iterator[psycopg.Connection]:
    """Somebody else's connection, which leaves nothing waiting behind."""
    with psycopg.connect(server.url, autocommit=True) as other:
        yield other
        other.execute("DELETE FROM tandem_outboxentry")
        other.execute("DELETE FROM tandem_pause")
        other.execute("DELETE FROM child")


def published(channel: str = "kept:a") -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def publish_beside(
    connection: BaseDatabaseWrapper, statement: str, *, then: Callable[[], object] = lambda: None
) -> None:
    """Commit *statement* with a publication, and do *then* in between."""
    with transaction.atomic(using=ALIAS):
        with connection.cursor() as cursor:
            cursor.execute(statement)
        then()
        publish_on_commit("kept:a", 1, using=ALIAS)


def is_clear(*channels: str) -> bool:
    """Write a row for each of *channels* and tell whether it may go without a look at what is in front of it."""
    with transaction.atomic(using=ALIAS):
        written = rows.insert(connections[ALIAS], [row("1", channel) for channel in channels])
        transaction.set_rollback(True, using=ALIAS)
    return time.monotonic() < written.clear_until <= time.monotonic() + CLEAR_SECONDS


def row(data: str, channel: str = CHANNEL) -> Unwritten:
    return Unwritten(channel, data, '{"tab":"1,2"}', "id-ä")


def test_what_was_written_is_read_and_deleted(connection: BaseDatabaseWrapper) -> None:
    """In their order, whatever stands in them, with numbers that fit."""
    texts = ['"\\u0000 \\\\ ä \U0001f600"', "null", "12345678901234567890", *(str(number) for number in range(100))]
    with transaction.atomic(using=ALIAS):
        written = rows.insert(connection, [row(text) for text in texts]).rows
    found = rows.read(rows.waiting(ALIAS))
    first = rows.waiting_numbers(connection, [CHANNEL, "public:other"], up_to=written[9].pk, limit=5)
    rows.delete(connection, [each.pk for each in written[:-1]])
    left = rows.read(rows.waiting(ALIAS))
    rows.delete(connection, [written[-1].pk])

    assert [each.data for each in found] == texts
    assert len({each.key for each in found}) == len(texts)
    assert found == written
    assert first == [each.pk for each in written[:5]]
    assert left == written[-1:]


def test_transaction_is_django_s(connection: BaseDatabaseWrapper) -> None:
    """What is rolled back is gone, to a savepoint or whole; outside of one a statement commits by itself."""
    with transaction.atomic(using=ALIAS):
        [kept] = rows.insert(connection, [row("1")]).rows
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


def test_commit_publishes_and_leaves_nothing(connection: BaseDatabaseWrapper, store: redis.Redis) -> None:
    """In order, with what else the transaction did; the next transaction on the connection is one like any other."""
    with connection.cursor() as cursor:
        for number in range(2):
            with transaction.atomic(using=ALIAS):
                cursor.execute("INSERT INTO parent VALUES (%s)", [number])
                for part in range(2):
                    publish_on_commit("kept:a", [number, part], using=ALIAS)
        cursor.execute("SELECT count(*) FROM parent")
        [count] = cursor.fetchone()
        cursor.execute("DELETE FROM parent")

    assert count == 2
    assert published() == [[number, part] for number in range(2) for part in range(2)]
    assert not OutboxEntry.objects.using(ALIAS).exists()


def test_what_comes_next_is_committed_by_django(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection
) -> None:
    """A transaction that publishes nothing, behind one whose COMMIT went along with its row."""
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 1, using=ALIAS)
    with transaction.atomic(using=ALIAS), connection.cursor() as cursor:
        cursor.execute("INSERT INTO parent VALUES (3)")
    found = other.execute("DELETE FROM parent RETURNING id").fetchall()

    assert found == [(3,)]


def test_large_rows_are_committed(connection: BaseDatabaseWrapper, other: psycopg.Connection) -> None:
    """More than a socket takes at once."""
    with transaction.atomic(using=ALIAS):
        connection.cursor().execute("SELECT 1")
        rows.insert(connection, [row(str(number) * 100_000) for number in range(10)] * 10, is_last=True)

    assert other.execute("SELECT count(*) FROM tandem_outboxentry").fetchone() == (100,)


def test_commit_asks_only_where_something_waits(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The INSERT has told; what an earlier transaction left over goes before, and then once."""
    asked: list[Any] = []
    ask = rows.waiting_numbers

    def ask_and_tell(*arguments: Any, **options: Any) -> list[int]:
        asked.append(arguments)
        return ask(*arguments, **options)

    monkeypatch.setattr(rows, "waiting_numbers", ask_and_tell)
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 1, using=ALIAS)
    after_the_first = len(asked)
    [left_over] = rows.insert(connection, [row("2", "kept:a")]).rows
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 3, using=ALIAS)

    assert (after_the_first, len(asked)) == (0, 1)
    assert left_over.key
    assert published() == [1, 2, 3]


def test_clear_is_what_nothing_waits_before(connection: BaseDatabaseWrapper, other: psycopg.Connection) -> None:
    """In any of its channels, whoever wrote it; and not while there is a pause."""
    before = is_clear("kept:a", "kept:b")
    rows.insert(connection, [row("1", "kept:b")])
    behind_another, beside = is_clear("kept:a", "kept:b"), is_clear("kept:a")
    other.execute("INSERT INTO tandem_pause VALUES (1)")
    paused = is_clear("kept:a")

    assert (before, behind_another, beside, paused) == (True, False, True, False)


def test_transaction_that_sees_an_older_moment_is_not_clear(
    connection: BaseDatabaseWrapper, other: psycopg.Connection
) -> None:
    """What was committed since its beginning, it does not see, and is behind it all the same."""
    with transaction.atomic(using=ALIAS):
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        written = rows.insert(connection, [row("1", "kept:a")])

    assert written.clear_until == 0.0


def test_pause_that_began_meanwhile_holds_a_slow_commit(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the INSERT told holds no longer."""
    monkeypatch.setattr(rows, "CLEAR_SECONDS", -1.0)
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 1, using=ALIAS)
        other.execute("INSERT INTO tandem_pause VALUES (1)")

    assert published() == []
    assert OutboxEntry.objects.using(ALIAS).count() == 1


def test_row_that_a_savepoint_took_back_is_not_sent(connection: BaseDatabaseWrapper, store: redis.Redis) -> None:
    """Somebody had looked at the table, and so it was written."""
    with transaction.atomic(using=ALIAS):
        savepoint = transaction.savepoint(using=ALIAS)
        publish_on_commit("kept:a", 1, using=ALIAS)
        seen = OutboxEntry.objects.using(ALIAS).count()
        transaction.savepoint_rollback(savepoint, using=ALIAS)

    assert seen == 1
    assert published() == []


def test_what_the_commit_refuses_is_not_published(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection
) -> None:
    """A constraint that is looked at then: nothing of the transaction happened, and the connection goes on."""
    with pytest.raises(IntegrityError, match="child"):
        publish_beside(connection, "INSERT INTO child VALUES (7)")
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 2, using=ALIAS)

    assert published() == [2]
    assert other.execute("SELECT count(*) FROM child").fetchone() == (0,)


def test_what_cannot_be_written_undoes_the_transaction(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection
) -> None:
    """The COMMIT behind it does not happen, and the connection goes on."""
    other.execute("ALTER TABLE tandem_outboxentry RENAME TO elsewhere")
    try:
        with pytest.raises(ProgrammingError, match="tandem_outboxentry"):
            publish_beside(connection, "INSERT INTO parent VALUES (8)")
    finally:
        other.execute("ALTER TABLE elsewhere RENAME TO tandem_outboxentry")
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 2, using=ALIAS)

    assert published() == [2]
    assert other.execute("SELECT count(*) FROM parent").fetchone() == (0,)


def test_connection_that_ends_before_the_commit_is_an_error(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection
) -> None:
    """And one of Django's; the next transaction has a connection of its own."""
    connection.ensure_connection()
    server_s = connection.connection.info.backend_pid
    with pytest.raises(OperationalError):
        publish_beside(
            connection,
            "INSERT INTO parent VALUES (9)",
            then=lambda: other.execute("SELECT pg_terminate_backend(%s, 5000)", [server_s]),
        )
    connection.close()
    with transaction.atomic(using=ALIAS):
        publish_on_commit("kept:a", 2, using=ALIAS)

    assert published() == [2]
    assert other.execute("SELECT count(*) FROM parent").fetchone() == (0,)


@pytest.mark.parametrize("name", ["commit", "_commit"])
def test_commit_of_somebody_else_s_is_left_to_them(
    connection: BaseDatabaseWrapper, store: redis.Redis, other: psycopg.Connection, name: str
) -> None:
    """What they do before it is in the transaction too."""
    commit, seen = getattr(connection, name), []

    def look() -> None:
        seen.append(other.execute("SELECT count(*) FROM tandem_outboxentry").fetchone())
        commit()

    setattr(connection, name, look)  # as an instrument does
    try:
        with transaction.atomic(using=ALIAS):
            connection.cursor().execute("SELECT 1")
            publish_on_commit("kept:a", 1, using=ALIAS)
    finally:
        delattr(connection, name)

    assert seen == [(0,)]
    assert published() == [1]
