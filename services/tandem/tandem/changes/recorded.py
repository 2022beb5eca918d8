"""Tell of the changes that triggers wrote down: a chore of the outbox's worker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from django.db import connections, transaction
from django.db.models import DEFERRED, Model

from tandem.changes.broadcast import Broadcast, with_triggers
from tandem.changes.telling import Change, tell
from tandem.models import RowChange
from tandem.outbox import publish_on_commit
from tandem.outbox.sweep import databases

logger = logging.getLogger(__name__)

BATCH = 500
_NOTES = (
    'SELECT * FROM tandem_rowchange WHERE ("table", "key") IN'
    ' (SELECT "table", "key" FROM tandem_rowchange ORDER BY "id" LIMIT %s) ORDER BY "id"'
)
"""The oldest, and all others of the same rows: a row is one change."""
_LOCK = 0x74616E64656D  # one number for all workers, in PostgreSQL's own list of locks


def tell_recorded() -> int:
    """
    Publish what triggers wrote down since the last time, in every database, and return how many notes that were.

    One worker at a time does so: two could publish what they read of a row in the other order.
    """
    if not with_triggers():
        return 0
    count = 0
    for alias in databases():
        if connections[alias].vendor == "postgresql":
            while told := _tell_batch(alias):
                count += told
    return count


def _tell_batch(using: str) -> int:
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if cursor.fetchone() != (True,):
                return 0
        notes = list(RowChange.objects.using(using).raw(_NOTES, [BATCH]))
        for (table, pk), of_row in _by_row(notes).items():
            try:
                with transaction.atomic(using=using):
                    _publish(with_triggers()[table], pk, of_row, using)
            except Exception:  # the project's own function: it must not stop what is told of everything else
                logger.exception("changes.at_fault", extra={"table": table, "key": pk})
        RowChange.objects.using(using).filter(pk__in=[note.pk for note in notes]).delete()
    return len(notes)


def _by_row(notes: Sequence[RowChange]) -> dict[tuple[str, Any], list[RowChange]]:
    """Return all notes of each row together: they are one change."""
    broadcasts = with_triggers()
    by_row: dict[tuple[str, Any], list[RowChange]] = {}
    for note in notes:
        if note.table in broadcasts:
            pk = broadcasts[note.table].model._meta.pk.to_python(note.key)
            by_row.setdefault((note.table, pk), []).append(note)
        else:
            logger.warning("changes.unknown_table", extra={"table": note.table, "key": note.key})
    return by_row


def _publish(broadcast: Broadcast, pk: Any, notes: Sequence[RowChange], using: str) -> None:
    olds = [broadcast.channels_of(row_of(broadcast.model, note.old, using)) for note in notes if note.old is not None]
    before = None if notes[0].old is None else tuple(dict.fromkeys(channel for old in olds for channel in old))
    for draft in tell(using, [Change(broadcast, pk, before)]):
        publish_on_commit(draft.channel, draft.data, using=using)


def row_of(model: type[Model], old: dict[str, Any], using: str) -> Model:
    """Return the row of *model* that a trigger wrote down as *old*: a value for each column, as JSON has it."""
    fields = model._meta.concrete_fields
    values = [field.to_python(old[field.column]) if field.column in old else DEFERRED for field in fields]
    present = [(field.attname, value) for field, value in zip(fields, values, strict=True) if value is not DEFERRED]
    return model.from_db(using, [name for name, _ in present], [value for _, value in present])
