"""Run statements by libpq itself. Imports psycopg: for PostgreSQL alone."""

from __future__ import annotations

import select
from collections.abc import Sequence
from functools import lru_cache
from itertools import count

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

_CAN_PIPELINE = psycopg.Pipeline.is_supported() and hasattr(select, "poll")
_DONE = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def run(
    connection: BaseDatabaseWrapper, statement: str, parameters: Sequence[int | str], *, is_last: bool
) -> list[bytes] | None:
    """
    Run *statement* and return its column, as texts; None where it has to go through Django. Raises Django's errors.

    One that *is_last* in its transaction takes the COMMIT along, and saves its round trip: to have another process look
    costs more than all that is written here.
    """
    if (libpq := _of(connection)) is None:
        return None
    sql, values = _numbered(statement), list(map(str.encode, map(str, parameters)))
    is_last = is_last and _CAN_PIPELINE and libpq.transaction_status == TransactionStatus.INTRANS
    try:
        result = _run_and_commit(libpq, sql, values) if is_last else _checked(libpq.exec_params(sql, values))
    except psycopg.Error:
        with connection.wrap_database_errors:
            raise
    return [result.get_value(row, 0) or b"" for row in range(result.ntuples)]


def is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether *connection* is in a transaction, to PostgreSQL."""
    libpq: PGconn | None = getattr(connection.connection, "pgconn", None)
    return libpq is None or libpq.transaction_status != TransactionStatus.IDLE


def _of(connection: BaseDatabaseWrapper) -> PGconn | None:
    """Return libpq's connection, if it is in the transaction that Django thinks of."""
    connection.validate_no_broken_transaction()
    if not connection.in_atomic_block:
        connection.close_if_health_check_failed()
    if connection.connection is None:
        connection.ensure_connection()
    libpq: PGconn | None = getattr(connection.connection, "pgconn", None)
    if libpq is None:  # psycopg2
        return None
    status = libpq.transaction_status
    if status == TransactionStatus.INTRANS or (status == TransactionStatus.IDLE and connection.connection.autocommit):
        return libpq
    return None


def _run_and_commit(libpq: PGconn, sql: bytes, values: Sequence[bytes]) -> PGresult:
    """Send *sql* and COMMIT in one write. An error of the first leaves the second undone."""
    try:
        libpq.enter_pipeline_mode()
        libpq.send_query_params(sql, values)
        libpq.send_query_params(b"COMMIT", None)
        libpq.pipeline_sync()
        result, _, committed, _, synced = _answers(libpq)
        if synced is None or synced.status != ExecStatus.PIPELINE_SYNC:
            raise psycopg.OperationalError("PostgreSQL's answers are not in step with what it was asked")
        libpq.exit_pipeline_mode()
    except BaseException:  # answers that nobody read are still to come
        libpq.finish()
        raise
    found = _checked(result)
    _checked(committed)
    return found


def _answers(libpq: PGconn) -> list[PGresult | None]:
    """Return what comes for two statements, each with an end of its own, and for the end of both."""
    poll = select.poll()
    poll.register(libpq.socket, select.POLLIN | select.POLLOUT)
    while libpq.flush():
        poll.poll()
        libpq.consume_input()
    poll.modify(libpq.socket, select.POLLIN)
    answers: list[PGresult | None] = []
    while len(answers) < 5:
        while libpq.is_busy():
            poll.poll()  # libpq itself would wait with Python's lock held
            libpq.consume_input()
        answers.append(libpq.get_result())
    return answers


def _checked(result: PGresult | None) -> PGresult:
    if result is None or result.status not in _DONE:
        raise error_from_result(result) if result else psycopg.OperationalError("PostgreSQL has not answered")
    return result


@lru_cache(maxsize=100)
def _numbered(statement: str) -> bytes:
    """Return *statement* with libpq's parameters: ``$1``, ``$2`` ..."""
    first, *others = statement.split("%s")
    places = count(1)
    return (first + "".join(f"${next(places)}{part}" for part in others)).encode()
