"""Whether what was just read may be older than a position that was read before it."""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

_SHOW = {
    "postgresql": "SHOW transaction_isolation",
    "mysql": "SELECT @@transaction_isolation",
}


def may_be_older() -> bool:
    """
    Tell whether some open transaction began before now and shows the database as it was then.

    REPEATABLE READ does, and SQLite always (ATOMIC_REQUESTS); under READ COMMITTED each query sees what is committed.
    """
    return any(_keeps_snapshot(connection) for connection in connections.all(initialized_only=True))


def _keeps_snapshot(connection: BaseDatabaseWrapper) -> bool:
    if connection.connection is None or not (connection.in_atomic_block or not connection.get_autocommit()):
        return False
    if (question := _SHOW.get(connection.vendor)) is None:
        return connection.vendor != "oracle"  # READ COMMITTED unless somebody asked for more
    if connection.needs_rollback:
        return True
    with connection.cursor() as cursor:
        cursor.execute(question)
        [level] = cursor.fetchone()
    return str(level).lower().replace("-", " ") not in ("read committed", "read uncommitted")
