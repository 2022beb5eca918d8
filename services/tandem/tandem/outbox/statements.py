"""
Statements at the price of libpq's: the outbox runs three of them beside every commit that is told of.

On PostgreSQL they go past Django's cursor and psycopg's, which cost twice what they carry. Where somebody looks on (a
query log, a wrapper), and elsewhere, they are like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


def numbers(connection: BaseDatabaseWrapper, statement: str, parameters: Sequence[int | str] = ()) -> list[int]:
    """Run *statement*, whose parameters are ``%s``, and return its first column, of numbers; none without rows."""
    if (libpq := _libpq_of(connection)) is None:
        with connection.cursor() as cursor:
            cursor.execute(statement, list(parameters) or None)
            return [row[0] for row in cursor.fetchall()] if cursor.description else []
    with connection.wrap_database_errors:
        result = libpq.exec_params(_numbered(statement), [str(each).encode() for each in parameters])
        return list(_read(result))


def _libpq_of(connection: BaseDatabaseWrapper) -> Any:
    """Return psycopg's connection of libpq, if nobody looks on and it is in the transaction that Django thinks of."""
    if connection.vendor != "postgresql" or connection.queries_logged or connection.execute_wrappers:
        return None
    connection.validate_thread_sharing()
    connection.validate_no_broken_transaction()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    libpq = getattr(connection.connection, "pgconn", None)
    if libpq is None:  # psycopg2
        return None
    from psycopg.pq import TransactionStatus

    is_begun = libpq.transaction_status == TransactionStatus.INTRANS
    is_outside = libpq.transaction_status == TransactionStatus.IDLE and connection.connection.autocommit
    return libpq if is_begun or is_outside else None


def _read(result: Any) -> Iterator[int]:
    from psycopg.errors import error_from_result
    from psycopg.pq import ExecStatus

    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    for row in range(result.ntuples):
        yield int(result.get_value(row, 0))


@lru_cache(maxsize=100)
def _numbered(statement: str) -> bytes:
    """Return *statement* with libpq's parameters: ``$1``, ``$2`` ..."""
    first, *others = statement.split("%s")
    places = count(1)
    return (first + "".join(f"${next(places)}{part}" for part in others)).encode()
