"""
The outbox's statements, whose answers are one column: it runs some of them beside every commit that is told of.

On PostgreSQL they go to libpq, past Django's cursor and psycopg's, which cost several times what they carry. Where
somebody looks on (a query log, a wrapper), and elsewhere, they are like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper


def numbers(connection: BaseDatabaseWrapper, statement: str, parameters: Sequence[int | str] = ()) -> list[int]:
    """Run *statement*, whose parameters are ``%s``, and return its column of numbers."""
    return list(map(int, column(connection, statement, parameters)))


def column(
    connection: BaseDatabaseWrapper, statement: str, parameters: Sequence[int | str] = (), *, is_last: bool = False
) -> Sequence[Any]:
    """
    Run *statement*, whose parameters are ``%s``, and return its column, maybe as PostgreSQL wrote it.

    When it *is_last* the caller commits at once, and the transaction may have been committed with it.
    """
    if connection.vendor == "postgresql" and not (connection.execute_wrappers or connection.queries_logged):
        libpq = _libpq()
        if libpq is not None and (found := libpq.run(connection, statement, parameters, is_last=is_last)) is not None:
            values: Sequence[bytes] = found
            return values
    with connection.cursor() as cursor:
        cursor.execute(statement, list(parameters) or None)
        return [row[0] for row in cursor.fetchall()] if cursor.description else ()


def is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether PostgreSQL has a transaction of *connection* that is not committed yet, as far as that is known."""
    libpq = _libpq()
    return libpq is None or libpq.is_in_transaction(connection)


@cache
def _libpq() -> ModuleType | None:
    try:
        from tandem.outbox import libpq
    except ImportError:  # psycopg2
        return None
    return libpq
