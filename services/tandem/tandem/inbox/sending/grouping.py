"""A group: one notification for several messages of a thread. What is read is closed, and the next opens another."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Count
from django.utils import timezone

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.models import Mailbox, Member, Message, Notification
from tandem.inbox.sending.making import make


def place(message: Message, boxes: Collection[Mailbox]) -> dict[int, Notification]:
    """Put *message* into the open group of its thread in each of the locked *boxes*, or open one."""
    numbers = [box.pk for box in boxes]
    rows = Notification.objects.using(home())
    found = rows.filter(Among("mailbox", numbers), thread=message.thread, box=Notification.Box.INBOX, read_at=None)
    opened = {each.mailbox_id: each for each in found.filter(message__kind=message.kind).order_by("place")}
    unseen = {pk for pk, each in opened.items() if each.seen_at is None}

    mailboxes.count_up([box for box in boxes if box.pk not in opened], unseen=1, unread=1)
    mailboxes.count_up([box for box in boxes if box.pk in opened and box.pk not in unseen], unseen=1)
    mailboxes.count_up([box for box in boxes if box.pk in unseen])

    placed = {**opened, **make(message, [box for box in boxes if box.pk not in opened])}
    Member.objects.using(home()).bulk_create(
        Member(notification=each, mailbox_id=pk, message=message) for pk, each in placed.items()
    )
    _renew([box for box in boxes if box.pk in opened], opened, message)
    return placed


def _renew(boxes: Collection[Mailbox], opened: dict[int, Notification], message: Message) -> None:
    """Have the groups that were open show *message*, on top and unseen; their number is that of their members."""
    if not boxes:
        return
    counts = count_members(opened.values())
    for box in boxes:
        group = opened[box.pk]
        group.message, group.category, group.expires_at = message, message.category, message.expires_at
        group.place = group.version = box.version
        group.count = counts[group.pk]
        group.arrived_at, group.seen_at = timezone.now(), None
    Notification.objects.using(home()).bulk_update(
        opened.values(),
        ["message", "category", "expires_at", "place", "version", "count", "arrived_at", "seen_at"],
        batch_size=500,
    )


def count_members(groups: Collection[Notification]) -> dict[int, int]:
    """Return how many messages each of *groups* has."""
    rows = Member.objects.using(home()).filter(Among("notification", [each.pk for each in groups]))
    return dict(rows.order_by().values_list("notification_id").annotate(Count("pk")))


def leave(message: Message, boxes: Collection[Mailbox]) -> dict[int, Notification]:
    """
    Take the retracted *message* out of the groups in the locked *boxes*.

    Returns, by mailbox, those that still have others: with the latest of these and their number, not saved.
    """
    numbers = [box.pk for box in boxes]
    members = Member.objects.using(home()).filter(message=message, mailbox__in=numbers)
    groups = {row.pk: row for row in Notification.objects.using(home()).filter(members__in=members)}
    members.delete()
    counts = count_members(groups.values())
    left: dict[int, Notification] = {}
    for group in groups.values():
        if not counts.get(group.pk) or group.box == Notification.Box.GONE:
            continue
        rest = Member.objects.using(home()).filter(notification=group).select_related("message")
        group.message, group.count = rest.latest("message_id").message, counts[group.pk]
        left[group.mailbox_id] = group
    return left
