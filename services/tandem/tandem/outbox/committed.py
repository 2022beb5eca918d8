"""Send what was just committed: the request that committed it does so, and pays for little more than its own."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from tandem.outbox import rows
from tandem.outbox.rows import Row, Written
from tandem.outbox.sending import send
from tandem.outbox.settling import settle_committed, tell_waiting
from tandem.poke import poke_workers
from tandem.shards import shards
from tandem.sync_shards import Shards

OLDER = 20
"""So many rows of others a request sends before its own; where more wait, the worker sends them all."""


def send_committed(connection: BaseDatabaseWrapper, written: Written) -> None:
    """
    Send the rows *written*, which are committed or rolled back by now, and those of their channels that are older.

    Those are left over, or about to be sent by their own request: sending them too keeps a channel in the order of its
    rows, and the idempotency key keeps it to once. While the rows are clear nobody has to look for them. A shard that
    is away costs nothing.
    """
    store = shards()
    here = written.rows if store.is_whole() else _within_reach(written.rows, store)
    if not here:
        return
    if time.monotonic() < written.clear_until:
        settle_committed(connection, send(here, store))
        return
    limit = len(here) + OLDER + 1
    numbers = rows.waiting_numbers(connection, rows.channels_of(here), up_to=max(row.pk for row in here), limit=limit)
    if not numbers:  # others have sent them, or there is a pause
        return
    if len(numbers) == limit:
        poke_workers(store)
        return
    own = {row.pk: row for row in here}
    if all(number in own for number in numbers):
        going = [own[number] for number in numbers]
    else:
        going = rows.read(rows.waiting(connection.alias).filter(pk__in=numbers))
    settle_committed(connection, send(going, store))


def _within_reach(written: Sequence[Row], store: Shards) -> list[Row]:
    """Return those rows whose shard is not known to be away, and log that the others wait."""
    away = {channel for channel in rows.channels_of(written) if store.is_away(store.of(channel))}
    for row in written:
        if row.channel in away:
            tell_waiting(row.channel, "its Redis is known to be away")
    return [row for row in written if row.channel not in away]
