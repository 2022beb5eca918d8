"""Rows that are set aside: publications that cannot go as they are, until somebody retries or drops them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import router, transaction
from django.db.models import QuerySet

from tandem.models import OutboxEntry
from tandem.outbox.sweep import databases


def set_aside(numbers: Sequence[int] | None = None, *, using: str | None = None) -> QuerySet[OutboxEntry]:
    """Return the rows that are set aside, all or those of *numbers*, in the order in which they were written."""
    rows = OutboxEntry.objects.using(using or router.db_for_write(OutboxEntry))
    found = rows.filter(state=OutboxEntry.State.SET_ASIDE).order_by("pk")
    return found if numbers is None else found.filter(pk__in=numbers)


def everywhere() -> list[OutboxEntry]:
    """Return the rows that are set aside in every database."""
    return [row for alias in databases() for row in set_aside(using=alias)]


def retry(found: QuerySet[OutboxEntry]) -> int:
    """
    Put rows behind everything that waits, as if they were written now, and return how many.

    Their place is gone: what came after them may have been published.
    """
    using = found.db
    with transaction.atomic(using=using):
        old = list(found.select_for_update()) if _locks(using) else list(found)
        fresh = [
            OutboxEntry(channel=row.channel, data=row.data, tags=row.tags, request_id=row.request_id) for row in old
        ]
        OutboxEntry.objects.using(using).bulk_create(fresh)
        drop(found.filter(pk__in=[row.pk for row in old]))
    return len(old)


def drop(found: QuerySet[OutboxEntry]) -> int:
    """Delete rows that are set aside, and return how many."""
    count, _ = found.order_by().delete()
    return count


def _locks(using: str) -> bool:
    return bool(transaction.get_connection(using).features.has_select_for_update)
