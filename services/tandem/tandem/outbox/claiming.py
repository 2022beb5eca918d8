"""
Channels that one worker sends and no other, on PostgreSQL.

A channel is claimed and not a row: rows that are skipped because somebody holds them would be passed by later ones.
Elsewhere all workers send the same rows; the idempotency keys keep that to once, and it costs more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connections, transaction

_CLASS = 0x7A4D
"""Of PostgreSQL's advisory locks with two keys, those that are ours."""
_CLAIM = "SELECT name FROM unnest(%s::text[]) AS name WHERE pg_try_advisory_xact_lock(%s, hashtext(name))"


@contextmanager
def claimed(using: str, channels: Sequence[str]) -> Iterator[list[str]]:
    """
    Hold those of *channels* that nobody else does, for the length of a transaction in the database *using*.

    It ends with the connection too, so nothing stays claimed by who is dead.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield list(channels)
        return
    with transaction.atomic(using=using):
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM, [list(channels), _CLASS])
            ours = {name for (name,) in cursor.fetchall()}
        yield [channel for channel in channels if channel in ours]
