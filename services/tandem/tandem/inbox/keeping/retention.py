"""What is kept how long: old notifications go, and what is left of users who are no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.keeping.removing import remove
from tandem.inbox.models import (
    Announcement,
    Board,
    Bulk,
    BulkRecipient,
    Delivery,
    Mailbox,
    Member,
    Message,
    Notification,
)
from tandem.inbox.sending import announcing

BATCH = 1000


def prune(older_than: timedelta) -> dict[str, int]:
    """
    Delete what is *older_than* that, and what is left of deleted users; return how many rows of what.

    In batches, each a transaction of its own. What still counts as unseen or unread is taken out first, so that the
    counts stay those of what is there.
    """
    cutoff = timezone.now() - older_than
    return {
        "notifications": _notifications(cutoff),
        "announcements": _announcements(cutoff),
        "messages": _messages(cutoff),
        "mailboxes": _mailboxes(),
    }


def _notifications(cutoff: Any) -> int:
    rows = Notification.objects.using(home())
    count = 0
    # A message is not younger than its notification, and has the index.
    for numbers in _batches(rows.filter(message__created_at__lt=cutoff, arrived_at__lt=cutoff)):
        with transaction.atomic(using=home()):
            batch = list(rows.filter(pk__in=numbers))
            boxes = mailboxes.lock_numbers({row.mailbox_id for row in batch})
            old = list(rows.filter(pk__in=numbers, arrived_at__lt=cutoff))
            remove(list(boxes.values()), old)
            rows.filter(pk__in=[row.pk for row in old]).delete()
        count += len(old)
    return count


def _announcements(cutoff: Any) -> int:
    count = 0
    for board in Board.objects.using(home()).all():
        with transaction.atomic(using=home()):
            locked = mailboxes.lock_board(board.tenant)
            old = list(Announcement.objects.using(home()).filter(board=locked, created_at__lt=cutoff))
            announcing.take_down(old, locked)
            locked.announcements.filter(pk__in=[each.pk for each in old]).delete()
        count += len(old)
    return count


def _messages(cutoff: Any) -> int:
    """Delete messages that nobody has any more and that are on their way to nobody."""
    having = [
        Exists(rows._default_manager.using(home()).filter(message=OuterRef("pk")))
        for rows in (Notification, Member, Announcement, Bulk, BulkRecipient)
    ]
    unwanted = Message.objects.using(home()).filter(created_at__lt=cutoff)
    for each in having:
        unwanted = unwanted.filter(~each)
    waiting = Delivery.objects.using(home()).filter(message=OuterRef("pk"), state=Delivery.State.WAITING)
    return sum(_delete(Message, numbers) for numbers in _batches(unwanted.filter(~Exists(waiting))))


def _mailboxes() -> int:
    """Delete mailboxes whose user is no more, with all that lies in them."""
    users = get_user_model()._base_manager.using(home()).filter(pk=OuterRef("recipient_id"))
    left = Mailbox.objects.using(home()).filter(~Exists(users))
    count = sum(_delete(Mailbox, numbers) for numbers in _batches(left))
    boxes = Mailbox.objects.using(home()).filter(pk=OuterRef("mailbox_id"))
    for numbers in _batches(Notification.objects.using(home()).filter(~Exists(boxes))):
        _delete(Notification, numbers)
    return count


def _batches(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    """Return the primary keys of *rows* in batches, in order; each is to be dealt with before the next is asked for."""
    last: Any = None
    while numbers := list(
        rows.filter(Q() if last is None else Q(pk__gt=last)).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        yield numbers
        last = numbers[-1]


def _delete(model: Any, numbers: list[Any]) -> int:
    with transaction.atomic(using=home()):
        model._default_manager.using(home()).filter(pk__in=numbers).delete()
    return len(numbers)
