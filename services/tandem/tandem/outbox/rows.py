"""
The outbox's table, in the statements that a commit pays for.

They are written out: Django's ORM costs several times what these do, and this runs beside every change that is told.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeAlias

import msgspec
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, Exists, QuerySet, Value, When
from django.db.models.functions import Now

from tandem.models import OutboxEntry, Pause, make_key
from tandem.outbox.statements import column, is_in_transaction, numbers

TABLE = OutboxEntry._meta.db_table
_PAUSE = Pause._meta.db_table
KEY_SECONDS = 7 * 24 * 3600
"""How long Redis remembers the idempotency key of a row; until its deletion has committed, if that is sooner."""
OLD = timedelta(days=6)
"""A row of that age may have been sent under a key that is forgotten by now."""

CLEAR_SECONDS = 1.0
"""A commit that takes longer looks again: meanwhile a pause may have begun, and settled."""

_ROWS_OF_ONE_INSERT = 1000
_COLUMNS = ("channel", "data", "tags", "request_id", "key", "reason")
_INSERT_JSON = f"""
WITH given AS (
    SELECT each, place FROM json_array_elements(%s::json) WITH ORDINALITY AS given (each, place)
), written AS (
    INSERT INTO "{TABLE}" ("channel", "data", "tags", "request_id", "key", "reason")
    SELECT each ->> 0, each ->> 1, (each ->> 2)::jsonb, each ->> 3, %s::text || (place - 1), ''
    FROM given ORDER BY place
    RETURNING "id"
)
SELECT json_build_array(
    (SELECT json_agg("id" ORDER BY "id") FROM written),
    current_setting('transaction_isolation') = 'read committed'
    AND NOT EXISTS (SELECT 1 FROM "{_PAUSE}")
    AND NOT EXISTS (
        SELECT 1 FROM "{TABLE}"
        WHERE "channel" = ANY(ARRAY(SELECT DISTINCT each ->> 0 FROM given)) AND "state" = 'waiting'
    )
)::text
"""
_DELETE_ARRAY = f"""DELETE FROM "{TABLE}" WHERE "id" = ANY(%s)"""


class Unwritten(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A publication for the outbox. `data` and `tags` are JSON texts."""

    channel: str
    data: str
    tags: str
    request_id: str


class Row(msgspec.Struct, frozen=True, gc=False):
    """A publication of the outbox, as `Unwritten` is, under its number and its idempotency key."""

    pk: int
    channel: str
    data: str
    tags: str
    request_id: str
    key: str
    is_old: bool = False


Values: TypeAlias = tuple[str, str, str, str, str]
"""A row without its number."""


class Written(msgspec.Struct, frozen=True):
    """
    Rows with their numbers, as they were written.

    They are clear, until that time by `time.monotonic`, when nothing of their channels waited in front of them and no
    pause was on as they were written. What others commit between that and this commit is neither in front of them nor
    behind: neither has seen the other. Where nobody asked they are not clear, and who sends them has to look.
    """

    rows: list[Row]
    clear_until: float = 0.0
    is_committed: bool = False
    """Whether the transaction was committed along with them."""


def insert(connection: BaseDatabaseWrapper, given: Sequence[Unwritten], *, is_last: bool = False) -> Written:
    """Write what is *given* with one statement; where it *is_last*, the caller commits at once, or it does so too."""
    key, is_committed = make_key(), False
    if connection.vendor == "postgresql":
        pks, is_clear = _insert_json(connection, given, key, is_last=is_last)
        is_committed = is_last and not is_in_transaction(connection)
    else:
        pks, is_clear = _insert_values(connection, given, key), False
    clear_until = time.monotonic() + CLEAR_SECONDS if is_clear else 0.0
    written = [
        Row(pk, each.channel, each.data, each.tags, each.request_id, f"{key}{place}")
        for place, (pk, each) in enumerate(zip(pks, given, strict=True))
    ]
    return Written(written, clear_until, is_committed)


def waiting_numbers(connection: BaseDatabaseWrapper, channels: Sequence[str], *, up_to: int, limit: int) -> list[int]:
    """
    Return the numbers of the first *limit* rows of *channels* that wait, none higher than *up_to*.

    None while there is a pause: it costs whoever sends no statement of its own.
    """
    quote = connection.ops.quote_name
    among, parameters = _among(connection, "channel", channels)
    statement = (
        f"SELECT {quote('id')} FROM {quote(TABLE)} WHERE {among} AND {quote('id')} <= %s"
        f" AND {quote('state')} = 'waiting' AND NOT EXISTS (SELECT 1 FROM {quote(_PAUSE)})"
        f" ORDER BY {quote('id')} LIMIT {int(limit)}"
    )
    return numbers(connection, statement, [*parameters, up_to])


def delete(connection: BaseDatabaseWrapper, pks: Sequence[int]) -> None:
    """Delete the rows of these numbers with one statement."""
    if not pks:
        return
    if connection.vendor == "postgresql":
        column(connection, _DELETE_ARRAY, [_array(pks)])
        return
    quote = connection.ops.quote_name
    column(connection, f"DELETE FROM {quote(TABLE)} WHERE {quote('id')} IN ({', '.join(['%s'] * len(pks))})", pks)


def waiting(using: str) -> QuerySet[OutboxEntry]:
    """Return the rows of the database *using* that wait, in their order: none while there is a pause."""
    is_paused = Exists(Pause.objects.using(using))
    return OutboxEntry.objects.using(using).filter(~is_paused, state=OutboxEntry.State.WAITING).order_by("pk")


def read(found: QuerySet[OutboxEntry]) -> list[Row]:
    """Return the rows of *found*, each told by the database's own clock whether it is old."""
    age = Case(When(created_at__lt=Now() - OLD, then=Value(True)), default=Value(False))
    names = ("pk", "channel", "data", "tags", "request_id", "key", "created_at")
    return [_row(*values) for values in found.values_list(*names, age)]


def _among(connection: BaseDatabaseWrapper, column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return the condition that *column* is one of *values*: on PostgreSQL with one parameter for all of them."""
    name = connection.ops.quote_name(column)
    if connection.vendor == "postgresql":
        return f"{name} = ANY(%s)", [_array(values)]
    return f"{name} IN ({', '.join(['%s'] * len(values))})", list(values)


def _array(values: Sequence[str] | Sequence[int]) -> str:
    """Write *values* as PostgreSQL writes an array."""
    if isinstance(values[0], int):
        return "{" + ",".join(map(str, values)) + "}"
    escaped = (str(value).replace("\\", r"\\").replace('"', r"\"") for value in values)
    return "{" + ",".join(f'"{value}"' for value in escaped) + "}"


def _row(pk: int, channel: str, data: str, tags: Any, request_id: str, key: str, created_at: Any, old: Any) -> Row:
    # A row of the release before has no key; this is how it named what it sent.
    key = key or f"{pk}:{created_at.timestamp():.6f}"
    return Row(pk, channel, data, msgspec.json.encode(tags).decode() if tags else "{}", request_id, key, bool(old))


def _insert_json(
    connection: BaseDatabaseWrapper, given: Sequence[Unwritten], key: str, *, is_last: bool
) -> tuple[list[int], bool]:
    """
    Send them as one value: a statement with a mark for each of theirs would be read anew every time.

    Return their numbers, and whether they are clear.
    """
    [found] = column(connection, _INSERT_JSON, [msgspec.json.encode(given).decode(), key], is_last=is_last)
    pks, is_clear = msgspec.json.decode(found)
    return pks, is_clear


def _insert_values(connection: BaseDatabaseWrapper, given: Sequence[Unwritten], key: str) -> list[int]:
    values: list[Values] = [(*msgspec.structs.astuple(each), f"{key}{place}") for place, each in enumerate(given)]
    if not connection.features.can_return_rows_from_bulk_insert:
        return [_insert_one(connection, each) for each in values]
    pks: list[int] = []
    for start in range(0, len(values), _ROWS_OF_ONE_INSERT):
        pks += _insert_some(connection, values[start : start + _ROWS_OF_ONE_INSERT])
    return pks


def _insert_some(connection: BaseDatabaseWrapper, values: Sequence[Values]) -> list[int]:
    quote = connection.ops.quote_name
    into = f"INSERT INTO {quote(TABLE)} ({', '.join(map(quote, _COLUMNS))}) VALUES "
    marks = ", ".join(["(%s, %s, %s, %s, %s, '')"] * len(values))
    given = [value for each in values for value in each]
    return numbers(connection, f"{into}{marks} RETURNING {quote('id')}", given)


def _insert_one(connection: BaseDatabaseWrapper, values: Values) -> int:
    fields: dict[str, Any] = dict(zip(_COLUMNS, values, strict=False))
    entry = OutboxEntry(**{**fields, "tags": msgspec.json.decode(fields["tags"])})
    entry.save(using=connection.alias, force_insert=True)
    pk: int = entry.pk
    return pk


def channels_of(rows: Iterable[Row]) -> list[str]:
    """Return the channels of *rows*, each once."""
    return list(dict.fromkeys([row.channel for row in rows]))
