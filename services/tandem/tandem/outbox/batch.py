"""The publications of one transaction: one INSERT for all of them, and one thing to do after the commit."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.asyncio import async_unsafe

from tandem import conf, tracing
from tandem.models import OutboxEntry
from tandem.outbox import rows
from tandem.outbox.committed import send_committed
from tandem.outbox.rows import Unwritten, Written
from tandem.publication import encode_tags
from tandem.publisher import Draft, encode_data
from tandem.tab import with_mark

MAX_REQUEST_ID_LENGTH = 128


def publish_on_commit(
    channel: str, data: Any, *, tags: Mapping[str, str] | None = None, request_id: str = "", using: str | None = None
) -> None:
    """
    Publish *data* to *channel* when the current transaction commits; at once outside of one.

    *using* is the database of that transaction; without it, the one that the routers write the outbox to. Never raises
    for Redis: what cannot be sent now stays in the outbox for the worker. Raises `InvalidChannel`, `UnknownNamespace`,
    `PublicationTooLarge`, or `ValueError` for what is not JSON, before anything is committed.
    """
    row = _unwritten(channel, data, tags, request_id)
    connection = connections[using or router.db_for_write(OutboxEntry)]
    if connection.in_atomic_block:
        _add(connection, row)
    else:
        _publish_now(connection, row)


# Async code is never in a transaction.
@async_unsafe("publish_on_commit writes a row. In async code use apublish_on_commit.")
def _publish_now(connection: BaseDatabaseWrapper, row: Unwritten) -> None:
    written = rows.insert(connection, [row])
    # Robust: whatever goes wrong now, the row is committed and the worker will send it.
    connection.on_commit(lambda: send_committed(connection, written), robust=True)


async def apublish_on_commit(
    channel: str, data: Any, *, tags: Mapping[str, str] | None = None, request_id: str = "", using: str | None = None
) -> None:
    """Do what `publish_on_commit` does, from async code: in the thread where Django keeps async code's database."""
    await sync_to_async(publish_on_commit)(channel, data, tags=tags, request_id=request_id, using=using)


Tell = Callable[[str, list[Any]], Iterable[Draft]]


class Note(NamedTuple):
    """A fact of a transaction that becomes publications when it is about to commit, as things stand then."""

    tell: Tell
    fact: Any
    key: Hashable


def note(tell: Tell, fact: Any, *, key: Hashable, using: str) -> None:
    """
    Publish what *tell* makes of *fact*, and of all other facts for it, before the current transaction commits.

    *tell* takes the database and those facts. What it raises, the commit raises, and everything is rolled back. Outside
    of a transaction it is called at once.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        _add(connection, Note(tell, fact, key))
        return
    for draft in tell(using, [fact]):
        publish_on_commit(draft.channel, draft.data, tags=draft.tags, using=using)


def is_noted(key: Hashable, *, using: str) -> bool:
    """Tell whether a fact called *key* is noted in the current transaction, and has not been told of yet."""
    connection = connections[using]
    batch = _find_batch(connection, _transaction_of(connection))
    return batch is not None and batch.has(key)


def _unwritten(channel: str, data: Any, tags: Mapping[str, str] | None, request_id: str) -> Unwritten:
    conf.namespaces().of(channel)
    text = encode_data(channel, data).decode()
    carried = tracing.carry(request_id)
    if len(carried) > MAX_REQUEST_ID_LENGTH:
        raise ValueError(f"a request id has at most {MAX_REQUEST_ID_LENGTH} characters, not {len(carried)}")
    marked = with_mark(channel, tags)
    return Unwritten(channel, text, encode_tags(marked).decode() if marked else "{}", carried)


class Batch:
    """
    The publications of a transaction, called by Django after its commit.

    They are written as late as can be: when the transaction commits, or something in it looks at the table. Until then
    a savepoint that is rolled back takes those along that came after it. Facts become publications at that moment.
    """

    def __init__(self, connection: BaseDatabaseWrapper, transaction: object) -> None:
        self.is_done = False
        self.transaction = transaction
        self.__qualname__ = type(self).__qualname__  # Django names a hook that fails by it
        self._connection = connection
        self._written = Written([])
        self._pending: list[Unwritten | Note] = []
        self._keys: set[Hashable] = set()
        self._savepoints: dict[str, int] = {}
        self._is_watching = False
        self._former_commit: Any = None

    def add(self, item: Unwritten | Note) -> None:
        """Write *item* before the transaction commits."""
        if not self._is_watching:
            self._watch()
        self._pending.append(item)
        if isinstance(item, Note):
            self._keys.add(item.key)

    def has(self, key: Hashable) -> bool:
        """Tell whether a fact of that name waits to be told."""
        return key in self._keys

    def write(self, *, is_last: bool = False) -> None:
        """Write what was not written yet; where that *is_last*, whoever calls commits at once."""
        is_last = is_last and self._former_commit is None and _commits_like_django(self._connection)
        self._look_away()
        try:
            made = self._rows(self._pending)
        except Exception:
            self._watch()  # and fail again at the commit
            raise
        self._pending, self._savepoints, self._keys = [], {}, set()
        if made:
            before, now = self._written.rows, rows.insert(self._connection, made, is_last=is_last)
            self._written = Written(before + now.rows, is_committed=now.is_committed) if before else now

    def __call__(self) -> None:
        """Send everything; the transaction has committed."""
        self.is_done = True
        if self._is_watching:  # the hooks run without a commit, as in a test case
            self.write()
        send_committed(self._connection, self._written)

    def is_of(self, connection: BaseDatabaseWrapper) -> bool:
        """Tell whether this is part of the transaction that *connection* is in. A rollback takes it away."""
        return self in [entry[1] for entry in connection.run_on_commit]

    def _rows(self, pending: Iterable[Unwritten | Note]) -> list[Unwritten]:
        facts: dict[Tell, list[Any]] = {}
        for item in pending:
            if isinstance(item, Note):
                facts.setdefault(item.tell, []).append(item.fact)
        made: list[Unwritten] = []
        for item in pending:
            if isinstance(item, Unwritten):
                made.append(item)
            elif item.tell in facts:
                drafts = item.tell(self._connection.alias, facts.pop(item.tell))
                made += [_unwritten(draft.channel, draft.data, draft.tags, draft.request_id) for draft in drafts]
        return made

    def _watch(self) -> None:
        self._is_watching = True
        connection = self._connection
        # First, so that a `with connection.execute_wrapper(...)` that ends meanwhile takes its own away, not this.
        connection.execute_wrappers.insert(0, self._execute)
        self._former_commit = connection.__dict__.get("commit")
        connection.commit = self._commit  # type: ignore[method-assign]  # Django has no hook before a commit

    def _look_away(self) -> None:
        self._is_watching = False
        connection = self._connection
        if self._execute in connection.execute_wrappers:
            connection.execute_wrappers.remove(self._execute)
        if connection.__dict__.get("commit") == self._commit:
            del connection.commit
            if self._former_commit is not None:
                connection.commit = self._former_commit  # type: ignore[method-assign]  # what was there before

    def _commit(self) -> None:
        try:
            if self.is_of(self._connection):
                self.write(is_last=True)
            else:
                self._look_away()
        except Exception:
            self._look_away()
            self._connection.rollback()  # after any but a DatabaseError, Django would commit what there is
            raise
        if self._written.is_committed:
            _note_commit(self._connection)
        else:
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
            self._keys = {item.key for item in self._pending if isinstance(item, Note)}
        elif rows.TABLE in statement:
            self.write()
            self._written = Written(self._written.rows)  # not clear any more: a savepoint may take them back
        return execute(sql, params, many, context)


def _commits_like_django(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether nothing else is done when *connection* commits, by a backend that is made of Django's."""
    kind = type(connection)
    inner = "_commit"  # not in the stubs
    return (
        kind.commit is BaseDatabaseWrapper.commit
        and getattr(kind, inner) is getattr(BaseDatabaseWrapper, inner)
        and inner not in vars(connection)
    )


def _note_commit(connection: BaseDatabaseWrapper) -> None:
    """Have Django do what it does once a transaction is committed, but for the commit: that is done."""
    connection._commit = _nothing  # type: ignore[attr-defined]  # not in the stubs
    try:
        connection.commit()
    finally:
        del connection._commit  # type: ignore[attr-defined]


def _nothing() -> None:
    pass


def _add(connection: BaseDatabaseWrapper, item: Unwritten | Note) -> None:
    """Add *item* to the batch of the current transaction."""
    connection.validate_no_broken_transaction()
    current = _transaction_of(connection)
    if (batch := _find_batch(connection, current)) is None:
        batch = Batch(connection, current)
        connection.on_commit(batch, robust=True)
    batch.add(item)


def _find_batch(connection: BaseDatabaseWrapper, transaction: object) -> Batch | None:
    """Return the batch of *transaction*, which is the current one, if there is one."""
    if transaction is None:
        return None
    for entry in connection.run_on_commit:
        hook = entry[1]
        if isinstance(hook, Batch) and not hook.is_done and hook.transaction == transaction:
            return hook
    return None


def _transaction_of(connection: BaseDatabaseWrapper) -> object:
    """
    Return something that stands for the current transaction.

    In a test case, whose own never commits and where ``captureOnCommitCallbacks`` counts what each part leaves, that is
    the outermost block within it; None outside of one: there each publication is on its own.
    """
    for depth, block in enumerate(connection.atomic_blocks):
        if not getattr(block, "_from_testcase", False):
            return connection.savepoint_ids[depth - 1] if depth else block
    return None
