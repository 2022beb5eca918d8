"""``tandem.touch``: for what goes past `save` and `delete`, as `update`, `bulk_create` and `bulk_update` do."""

from __future__ import annotations

from typing import Any

from django.db import connections, router
from django.db.models import QuerySet
from django.db.transaction import TransactionManagementError

from tandem.changes.broadcast import broadcasts_of, parts
from tandem.changes.telling import Change, is_noticed, notice


def touch(queryset: QuerySet[Any]) -> None:
    """
    Tell of a change of every row in *queryset* when the current transaction commits.

    Call it before the change, so that the channels hear of it that a row leaves; after `bulk_create`. The rows are
    locked as by an update. Raises `TransactionManagementError` outside of a transaction, `TypeError` for a model that
    does not broadcast, or whose triggers notice by themselves.
    """
    using = queryset._db or router.db_for_write(queryset.model)  # type: ignore[attr-defined]  # `db` is where it reads
    broadcasts = broadcasts_of(queryset.model)
    if not broadcasts:
        raise TypeError(f"{queryset.model._meta.label} does not broadcast: @tandem.broadcasts makes it")
    if any(each.has_triggers for each in broadcasts):
        raise TypeError(f"{queryset.model._meta.label} has triggers: they notice every change by themselves")
    if not connections[using].in_atomic_block:
        raise TransactionManagementError(
            "touch belongs into the transaction of the change, before it: "
            "with transaction.atomic(): tandem.touch(rows); rows.update(...)"
        )
    keys = list(dict.fromkeys(queryset.using(using).values_list("pk", flat=True)))
    for broadcast in broadcasts:
        new = [pk for pk in keys if not is_noticed(broadcast, pk, using)]
        for pks in parts(new):
            for row in broadcast.locked_rows(using).filter(pk__in=pks).order_by("pk"):
                notice(Change(broadcast, row.pk, broadcast.channels_of(row)), using)
