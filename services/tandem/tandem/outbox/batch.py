"""The publications of one transaction: one INSERT for all of them, and one thing to do after the commit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.asyncio import async_unsafe

from tandem import conf, tracing
from tandem.models import OutboxEntry, make_key
from tandem.outbox import rows
from tandem.outbox.committed import send_committed
from tandem.outbox.rows import Row
from tandem.publication import encode_tags
from tandem.publisher import encode_data

MAX_REQUEST_ID_LENGTH = 128


@async_unsafe("publish_on_commit writes a row. In async code use apublish_on_commit.")
def publish_on_commit(
    channel: str, data: Any, *, tags: Mapping[str, str] | None = None, request_id: str = "", using: str | None = None
) -> None:
    """
    Publish *data* to *channel* when the current transaction commits; at once outside of one.

    *using* is the database of that transaction; without it, the one that the routers write the outbox to. Never raises
    for Redis: what cannot be sent now stays in the outbox for the worker. Raises `InvalidChannel`, `UnknownNamespace`,
    `PublicationTooLarge`, or `ValueError` for what is not JSON, before anything is committed.
    """
    row = _row(channel, data, tags, request_id)
    connection = connections[using or router.db_for_write(OutboxEntry)]
    if connection.in_atomic_block:
        connection.validate_no_broken_transaction()
        _batch_of(connection).add(row)
        return
    written = rows.insert(connection, [row])
    # Robust: whatever goes wrong now, the row is committed and the worker will send it.
    transaction.on_commit(lambda: send_committed(connection, written), using=connection.alias, robust=True)


async def apublish_on_commit(
    channel: str, data: Any, *, tags: Mapping[str, str] | None = None, request_id: str = "", using: str | None = None
) -> None:
    """Do what `publish_on_commit` does, from async code: in the thread where Django keeps async code's database."""
    await sync_to_async(publish_on_commit)(channel, data, tags=tags, request_id=request_id, using=using)


def _row(channel: str, data: Any, tags: Mapping[str, str] | None, request_id: str) -> Row:
    conf.namespaces().of(channel)
    text = encode_data(channel, data).decode()
    carried = tracing.carry(request_id)
    if len(carried) > MAX_REQUEST_ID_LENGTH:
        raise ValueError(f"a request id has at most {MAX_REQUEST_ID_LENGTH} characters, not {len(carried)}")
    return Row(0, channel, text, encode_tags(tags).decode() or "{}", carried, make_key())


class Batch:
    """
    The publications of a transaction, called by Django after its commit.

    They are written as late as can be: when the transaction commits, or something in it looks at the table. Until then
    a savepoint that is rolled back takes those along that came after it.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.is_done = False
        self.__qualname__ = type(self).__qualname__  # Django names a hook that fails by it
        self._connection = connection
        self._written: list[Row] = []
        self._pending: list[Row] = []
        self._savepoints: dict[str, int] = {}
        self._former_commit: Any = None

    def add(self, row: Row) -> None:
        """Write *row* before the transaction commits."""
        if not self._pending:
            self._watch()
        self._pending.append(row)

    def write(self) -> None:
        """Write what was not written yet."""
        self._look_away()
        pending, self._pending, self._savepoints = self._pending, [], {}
        if pending:
            self._written += rows.insert(self._connection, pending)

    def __call__(self) -> None:
        """Send everything; the transaction has committed."""
        self.is_done = True
        self.write()
        send_committed(self._connection, self._written)

    def is_of(self, connection: BaseDatabaseWrapper) -> bool:
        """Tell whether this is part of the transaction that *connection* is in. A rollback takes it away."""
        return any(part is self for entry in connection.run_on_commit for part in entry)

    def _watch(self) -> None:
        connection = self._connection
        # First, so that a `with connection.execute_wrapper(...)` that ends meanwhile takes its own away, not this.
        connection.execute_wrappers.insert(0, self._execute)
        self._former_commit = connection.__dict__.get("commit")
        connection.commit = self._commit  # type: ignore[method-assign]  # Django has no hook before a commit

    def _look_away(self) -> None:
        connection = self._connection
        if self._execute in connection.execute_wrappers:
            connection.execute_wrappers.remove(self._execute)
        if connection.__dict__.get("commit") == self._commit:
            del connection.commit
            if self._former_commit is not None:
                connection.commit = self._former_commit  # type: ignore[method-assign]  # what was there before

    def _commit(self) -> None:
        if self.is_of(self._connection):
            self.write()
        self._look_away()
        self._connection.commit()

    def _execute(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Pass a statement of the transaction on, minding what it means for what is not written yet."""
        statement = str(sql)
        if not self.is_of(self._connection):
            self._look_away()
        elif statement.startswith("SAVEPOINT "):
            self._savepoints[statement.rsplit(" ", 1)[-1]] = len(self._pending)
        elif statement.startswith("ROLLBACK TO "):
            # A savepoint that is older than what is pending takes all of it.
            del self._pending[self._savepoints.get(statement.rsplit(" ", 1)[-1], 0) :]
        elif rows.TABLE in statement:
            self.write()
        return execute(sql, params, many, context)


def _batch_of(connection: BaseDatabaseWrapper) -> Batch:
    if not _is_in_test_case(connection):
        for entry in connection.run_on_commit:
            for part in entry:
                if isinstance(part, Batch) and not part.is_done:
                    return part
    batch = Batch(connection)
    transaction.on_commit(batch, using=connection.alias, robust=True)
    return batch


def _is_in_test_case(connection: BaseDatabaseWrapper) -> bool:
    """Tell of a transaction that never commits, in which ``captureOnCommitCallbacks`` counts what each part leaves."""
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
