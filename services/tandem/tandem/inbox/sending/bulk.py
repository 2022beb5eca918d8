"""A message to many: the recipients are written in the transaction, and the worker brings it to them in batches."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet

from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.inserting import insert_from
from tandem.inbox.boxes.locking import locked
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.elsewhere.announcements import defer_announcement
from tandem.inbox.models import Bulk, BulkRecipient, Message
from tandem.inbox.sending.changing import change_batch
from tandem.inbox.sending.delivering import deliver
from tandem.inbox.sending.poking import poke_at_commit
from tandem.repeats import Repeats

_repeats = Repeats(logging.getLogger("tandem.inbox"))

BATCH = 500


def start_query(message: Message, recipients: QuerySet[Any]) -> None:
    """Fix who gets *message* with one INSERT ... SELECT, in the transaction that is open."""
    users = get_user_model()._base_manager.using(home()).filter(pk__in=recipients.using(home()).values("pk"))
    insert_from(users, BulkRecipient, {"message": message.pk, "recipient": F("pk")}, ignores_conflicts=True)
    _begin(message)


def start(message: Message, recipients: Collection[Any]) -> None:
    """Fix that *recipients* (primary keys) get *message*, in the transaction that is open."""
    made = (BulkRecipient(message=message, recipient_id=pk) for pk in recipients)
    BulkRecipient.objects.using(home()).bulk_create(made, ignore_conflicts=True, batch_size=1000)
    _begin(message)


def work() -> int:
    """Bring everything that is on its way a batch further, and return how many inboxes that reached."""
    numbers = list(Bulk.objects.using(home()).order_by("pk").values_list("pk", flat=True))
    return sum(_guarded(pk) for pk in numbers)


def work_batch(pk: int) -> int:
    """
    Do the next `BATCH` of `Bulk` *pk* in one transaction, and return how many inboxes that reached.

    Whoever else works on it is left to it. When nothing is left, the row goes.
    """
    with transaction.atomic(using=home()):
        bulk = _claim(pk)
        if bulk is None:
            return 0
        if bulk.task == Bulk.Task.DELIVER:
            return _deliver_batch(bulk)
        last = change_batch(bulk.message, bulk.task, after=bulk.after, limit=BATCH)
        if last is None:
            bulk.delete()
            return 1
        bulk.after = last
        bulk.save(using=home(), update_fields=["after"])
    return BATCH


def _guarded(pk: int) -> int:
    try:
        return work_batch(pk)
    except DatabaseError:
        raise
    except Exception as error:  # a kind that this worker does not know, say: the others are not to wait for it
        _repeats.error("inbox.bulk", type(error).__name__, bulk=pk, reason=f"{type(error).__name__}: {error}")
        return 0


def _deliver_batch(bulk: Bulk) -> int:
    rows = BulkRecipient.objects.using(home()).filter(message=bulk.message_id).order_by("pk")
    batch = list(rows.values_list("pk", "recipient_id")[:BATCH])
    if batch:
        recipients = [recipient for _, recipient in batch]
        if bulk.message.is_for_everyone:
            defer_announcement(bulk.message, recipients)
        else:
            deliver(bulk.message, recipients, is_tolerant=True)
        rows.filter(Among("pk", [row for row, _ in batch])).order_by().delete()
    if len(batch) < BATCH:
        bulk.delete()
    return len(batch)


def _claim(pk: int) -> Bulk | None:
    rows = Bulk.objects.using(home()).filter(pk=pk).select_related("message")
    # The message too: an edit or a retraction comes before this batch or after it, and then finds what it brought.
    return locked(rows, of=("self", "message"), skip_locked=True).first()


def _begin(message: Message) -> None:
    Bulk.objects.using(home()).bulk_create([Bulk(message=message)], ignore_conflicts=True)
    poke_at_commit()
