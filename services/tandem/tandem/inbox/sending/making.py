"""A notification as it begins."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F
from django.utils import timezone

from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.inserting import insert_from
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.models import Mailbox, Message, Notification


def make(message: Message, boxes: Collection[Mailbox]) -> dict[int, Notification]:
    """Write a notification of *message* into each of the locked *boxes*, at its version, and return them by mailbox."""
    if not boxes:
        return {}
    numbers, now = [box.pk for box in boxes], timezone.now()
    insert_from(
        Mailbox.objects.using(home()).filter(Among("pk", numbers)),
        Notification,
        {
            "mailbox": F("pk"),
            "message": message.pk,
            "category": message.category,
            "thread": message.thread,
            "count": 1,
            "box": Notification.Box.INBOX,
            "place": F("version"),
            "version": F("version"),
            "created_at": now,
            "arrived_at": now,
            "expires_at": message.expires_at,
        },
    )
    made = Notification.objects.using(home()).filter(Among("mailbox", numbers), message=message)
    placed = {each.mailbox_id: each for each in made}
    for each in placed.values():
        each.message = message
    return placed
