"""The publications of one transaction: one hook, one INSERT, and what a rollback takes it takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import redis
from django.db import DatabaseError, connection, transaction
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from tandem import publish_on_commit, streams
from tandem.models import OutboxEntry

pytestmark = pytest.mark.django_db(transaction=True)


class Rollback(Exception):
    """What ends a block of the test."""


@pytest.fixture(autouse=True)
def _leaves_nothing_behind(store: redis.Redis) -> Iterator[None]:
    """Neither a wrapper nor a commit of its own on the connection."""
    yield
    connection.cursor().execute("SELECT 1")

    assert connection.execute_wrappers == []
    assert "commit" not in connection.__dict__


def published(channel: str = "kept:a") -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def test_twenty_publications_cost_three_statements() -> None:
    """Whatever the savepoints around them: INSERT, SELECT and DELETE beside the transaction's own."""
    with CaptureQueriesContext(connection) as queries:
        with transaction.atomic():
            for number in range(10):
                publish_on_commit(f"kept:{number}", number)
                with transaction.atomic():
                    publish_on_commit(f"kept:{number}", number)
    verbs = [query["sql"].split()[0] for query in queries]

    assert [verb for verb in verbs if verb not in ("SAVEPOINT", "RELEASE")] == [
        "BEGIN",
        "INSERT",
        "COMMIT",
        "SELECT",
        "DELETE",
    ]
    assert OutboxEntry.objects.count() == 0
    assert published("kept:7") == [7, 7]


def test_one_hook_a_transaction() -> None:
    """Django keeps a list of them, and looks through it at each savepoint."""
    with transaction.atomic():
        for number in range(20):
            publish_on_commit("kept:a", number)
        hooks = len(connection.run_on_commit)

    assert hooks == 1


def test_no_transaction_costs_three_statements() -> None:
    """No BEGIN and no COMMIT for one INSERT."""
    with CaptureQueriesContext(connection) as queries:
        publish_on_commit("kept:a", 1)

    assert [query["sql"].split()[0] for query in queries] == ["INSERT", "SELECT", "DELETE"]


def test_rolled_back_savepoint_takes_its_own_along() -> None:
    """Those before it and after it stay, in order."""
    with transaction.atomic():
        publish_on_commit("kept:a", 1)
        for ending in ("rolled back", "kept"):
            try:
                with transaction.atomic():
                    publish_on_commit("kept:a", ending)
                    with transaction.atomic():
                        publish_on_commit("kept:a", f"inside {ending}")
                    if ending == "rolled back":
                        raise Rollback
            except Rollback:
                publish_on_commit("kept:a", 2)
        publish_on_commit("kept:a", 3)

    assert published() == [1, 2, "kept", "inside kept", 3]


def test_savepoint_older_than_every_publication_takes_all_of_them() -> None:
    """What comes after it is another beginning."""
    with transaction.atomic():
        try:
            with transaction.atomic():
                publish_on_commit("kept:a", 1)
                raise Rollback
        except Rollback:
            pass
        publish_on_commit("kept:a", 2)

    assert published() == [2]


def test_savepoint_takes_all_that_came_after_a_look() -> None:
    """What was written before it stays, and what comes after it is watched once, not twice."""
    with transaction.atomic():
        publish_on_commit("kept:a", 1)
        OutboxEntry.objects.count()
        with contextlib.suppress(Rollback), transaction.atomic():
            publish_on_commit("kept:a", 2)
            raise Rollback
        publish_on_commit("kept:a", 3)

    assert published() == [1, 3]


def test_savepoint_by_hand_counts_too() -> None:
    """Django's own list of hooks does not know it."""
    with transaction.atomic():
        publish_on_commit("kept:a", 1)
        savepoint = transaction.savepoint()
        publish_on_commit("kept:a", 2)
        transaction.savepoint_rollback(savepoint)
        publish_on_commit("kept:a", 3)

    assert published() == [1, 3]


def test_rows_are_there_for_who_looks() -> None:
    """In the same transaction, and after a savepoint took the later ones."""
    with transaction.atomic():
        publish_on_commit("kept:a", 1)
        seen = OutboxEntry.objects.count()
        try:
            with transaction.atomic():
                publish_on_commit("kept:a", 2)
                inside = OutboxEntry.objects.count()
                publish_on_commit("kept:a", 3)
                raise Rollback
        except Rollback:
            pass
        after = OutboxEntry.objects.count()

    assert (seen, inside, after) == (1, 2, 1)
    assert published() == [1]


def test_rollback_leaves_nothing_to_the_next_transaction() -> None:
    """On the same connection."""
    try:
        with transaction.atomic():
            publish_on_commit("kept:a", 1)
            raise Rollback
    except Rollback:
        pass
    with transaction.atomic():
        publish_on_commit("kept:a", 2)

    assert published() == [2]
    assert OutboxEntry.objects.count() == 0


def test_error_of_the_insert_is_the_transaction_s(monkeypatch: pytest.MonkeyPatch) -> None:
    """At its commit: then nothing of it happened."""
    monkeypatch.setattr("tandem.outbox.rows.TABLE", "no_such_table")

    @transaction.atomic(durable=True)
    def transaction_of_both() -> None:
        OutboxEntry.objects.create(channel="kept:a", data="1")
        publish_on_commit("kept:a", 2)

    with pytest.raises(DatabaseError):
        transaction_of_both()
    monkeypatch.undo()

    assert OutboxEntry.objects.count() == 0
    assert published() == []


def test_bug_after_the_commit_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are committed; the request has nothing to fail for."""
    monkeypatch.setattr("tandem.outbox.batch.send_committed", lambda *_: 1 / 0)
    with transaction.atomic():
        publish_on_commit("kept:a", 1)

    assert OutboxEntry.objects.count() == 1


def test_broken_transaction_refuses_at_the_call() -> None:
    """As every statement in it does."""
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            publish_on_commit("kept:a", 1)


def test_someone_else_s_wrapper_keeps_its_place() -> None:
    """One that ends inside of the transaction takes itself away, and not ours."""
    with transaction.atomic():
        with connection.execute_wrapper(lambda execute, *arguments: execute(*arguments)):
            publish_on_commit("kept:a", 1)
        with connection.execute_wrapper(lambda execute, *arguments: execute(*arguments)):
            pass

    assert published() == [1]


class InATestCase(TestCase):
    """A project's own tests: each part counts what it leaves."""

    def test_each_part_has_its_hook(self) -> None:
        """As if each publication were on its own."""
        publish_on_commit("kept:a", 1)
        with self.captureOnCommitCallbacks() as kept:
            publish_on_commit("kept:a", 2)
        with self.captureOnCommitCallbacks(execute=True) as executed:
            publish_on_commit("kept:a", 3)

        assert (len(kept), len(executed)) == (1, 1)
        # The first two have not been sent by anybody: the third takes them along, in order.
        assert published() == [1, 2, 3]
