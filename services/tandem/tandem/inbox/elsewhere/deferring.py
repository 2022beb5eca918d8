"""What is to go elsewhere than into the inbox: written in the transaction, sent by the worker when it is due."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content.kinds import Kind
from tandem.inbox.models import Delivery, Mailbox, Message, Notification
from tandem.inbox.preferences import media
from tandem.inbox.sending.poking import poke_at_commit

Recipient = tuple[Any, Mailbox, Notification | None, frozenset[str]]
"""A user, his mailbox, the notification there if he has one, and the media by which he wants it."""


def defer(message: Message, kind: Kind, recipients: Collection[Recipient]) -> None:
    """Write a delivery for each of *recipients* and each medium but the inbox; one for a group, while it waits."""
    waiting = _waiting(each.pk for _, _, each, _ in recipients if each is not None) if message.thread else set()
    made = [
        Delivery(
            mailbox=box,
            message=message,
            notification=notification,
            medium=name,
            name=secrets.token_hex(12),
            due_at=Now() + delay_of(kind, name),
        )
        for _, box, notification, wanted in recipients
        for name in sorted(wanted - {media.INBOX})
        if notification is None or (notification.pk, name) not in waiting
    ]
    if made:
        Delivery.objects.using(home()).bulk_create(made)
        poke_at_commit()


def _waiting(notifications: Iterable[int]) -> set[tuple[int, str]]:
    rows = Delivery.objects.using(home()).filter(Among("notification", notifications), state=Delivery.State.WAITING)
    return set(rows.values_list("notification_id", "medium"))


def delay_of(kind: Kind, name: str) -> timedelta:
    """Return how long after the message its delivery by the medium *name* is due."""
    return media.declared()[name].after or timedelta() if name != media.EMAIL else kind.email_after
