"""
The outbox's table, in the statements that a commit pays for.

They are written out: Django's ORM costs several times what these do, and this runs beside every change that is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, QuerySet, Value, When
from django.db.models.functions import Now

from tandem.models import OutboxEntry

TABLE = OutboxEntry._meta.db_table
KEY_SECONDS = 7 * 24 * 3600
"""How long Redis remembers the idempotency key of a row; until its deletion has committed, if that is sooner."""
OLD = timedelta(days=6)
"""A row of that age may have been sent under a key that is forgotten by now."""

_ROWS_OF_ONE_INSERT = 1000
_COLUMNS = ("channel", "data", "tags", "request_id", "key", "reason")


class Row(NamedTuple):
    """A publication of the outbox. `data` and `tags` are JSON texts."""

    pk: int
    channel: str
    data: str
    tags: str
    request_id: str
    key: str
    is_old: bool = False


def insert(connection: BaseDatabaseWrapper, rows: Sequence[Row]) -> list[Row]:
    """Write *rows* with one statement and return them with their numbers."""
    if not connection.features.can_return_rows_from_bulk_insert:
        return [_insert_one(connection, row) for row in rows]
    written: list[Row] = []
    quote = connection.ops.quote_name
    into = f"INSERT INTO {quote(TABLE)} ({', '.join(map(quote, _COLUMNS))}) VALUES "
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _ROWS_OF_ONE_INSERT):
            part = rows[start : start + _ROWS_OF_ONE_INSERT]
            values = ", ".join(["(%s, %s, %s, %s, %s, '')"] * len(part))
            cursor.execute(f"{into}{values} RETURNING {quote('id')}", [value for row in part for value in row[1:6]])
            written += [row._replace(pk=pk) for row, (pk,) in zip(part, cursor.fetchall(), strict=True)]
    return written


def waiting_numbers(connection: BaseDatabaseWrapper, channels: Sequence[str], *, up_to: int, limit: int) -> list[int]:
    """Return the numbers of the first *limit* rows of *channels* that wait, none higher than *up_to*."""
    quote = connection.ops.quote_name
    among, parameters = _among(connection, "channel", channels)
    statement = (
        f"SELECT {quote('id')} FROM {quote(TABLE)} WHERE {among} AND {quote('id')} <= %s"
        f" AND {quote('state')} = 'waiting' ORDER BY {quote('id')} LIMIT {int(limit)}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, up_to])
        return [pk for (pk,) in cursor.fetchall()]


def delete(connection: BaseDatabaseWrapper, numbers: Sequence[int]) -> None:
    """Delete the rows of these *numbers* with one statement."""
    if not numbers:
        return
    quote = connection.ops.quote_name
    among, parameters = _among(connection, "id", numbers)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {quote(TABLE)} WHERE {among}", parameters)


def waiting(using: str) -> QuerySet[OutboxEntry]:
    """Return the rows of the database *using* that wait, in their order."""
    return OutboxEntry.objects.using(using).filter(state=OutboxEntry.State.WAITING).order_by("pk")


def read(found: QuerySet[OutboxEntry]) -> list[Row]:
    """Return the rows of *found*, each told by the database's own clock whether it is old."""
    age = Case(When(created_at__lt=Now() - OLD, then=Value(True)), default=Value(False))
    names = ("pk", "channel", "data", "tags", "request_id", "key", "created_at")
    return [_row(*values) for values in found.values_list(*names, age)]


def _among(connection: BaseDatabaseWrapper, column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition that *column* is one of *values*: on PostgreSQL with one parameter for all of them."""
    name = connection.ops.quote_name(column)
    if connection.vendor == "postgresql":
        return f"{name} = ANY(%s)", [list(values)]
    return f"{name} IN ({', '.join(['%s'] * len(values))})", list(values)


def _row(pk: int, channel: str, data: str, tags: Any, request_id: str, key: str, created_at: Any, old: Any) -> Row:
    # A row of the release before has no key; this is how it named what it sent.
    key = key or f"{pk}:{created_at.timestamp():.6f}"
    return Row(pk, channel, data, msgspec.json.encode(tags).decode() if tags else "{}", request_id, key, bool(old))


def _insert_one(connection: BaseDatabaseWrapper, row: Row) -> Row:
    fields: dict[str, Any] = dict(zip(_COLUMNS, row[1:6], strict=False))
    entry = OutboxEntry(**{**fields, "tags": msgspec.json.decode(row.tags)})
    entry.save(using=connection.alias, force_insert=True)
    return row._replace(pk=entry.pk)


def channels_of(rows: Iterable[Row]) -> list[str]:
    """Return the channels of *rows*, each once."""
    return list(dict.fromkeys(row.channel for row in rows))
