"""Announcements by email and other media: who is to hear of one, and who has seen it meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content import kinds
from tandem.inbox.elsewhere.deferring import defer
from tandem.inbox.elsewhere.outgoing import Skipped
from tandem.inbox.models import Announcement, Mailbox, Message, Preference
from tandem.inbox.preferences import media
from tandem.inbox.preferences.wishes import wishes_of
from tandem.inbox.reading.announcement_marks import have_seen


def hearers_of(message: Message) -> QuerySet[Any] | None:
    """
    Return the users who may hear of the announced *message* by other media than the inbox; None where nobody does.

    Without a tenant they are all who are active; else those who have been there, since nobody can say who else
    belongs to it. Where the kind itself goes into the inbox only, they are those who prefer more.
    """
    kind = kinds.find(message.kind)
    boxes = Mailbox.objects.using(home()).filter(tenant=message.tenant)
    if not {*kind.media} & media.declared().keys() - {media.INBOX}:
        wishing = Preference.objects.using(home()).filter(kind=kind.name, is_on=True).exclude(medium=media.INBOX)
        boxes = boxes.filter(pk__in=wishing.values("mailbox"))
        if kind.is_critical or not boxes.exists():
            return None
    elif not message.tenant:
        return mailboxes.everybody()
    return mailboxes.everybody().filter(pk__in=boxes.values("recipient_id"))


def defer_announcement(message: Message, recipients: Collection[Any]) -> None:
    """Write the deliveries of the announced *message* to *recipients* (primary keys), in the open transaction."""
    if message.retracted_at is not None:
        return
    kind = kinds.find(message.kind)
    users = mailboxes.users(recipients)
    boxes = mailboxes.lock(message.tenant, list(users))
    wishes = wishes_of(kind, message.thread, boxes.values())
    defer(message, kind, [(users[pk], box, None, wishes[box.pk]) for pk, box in boxes.items()])


def check_announcement(message: Message, box: Mailbox, *, is_shown: bool) -> None:
    """Raise `Skipped` where the announced *message* is gone or, if it *is_shown* in *box*, was seen there."""
    if not Announcement.objects.using(home()).filter(message=message, is_gone=False).exists():
        raise Skipped("gone")
    if is_shown and have_seen(message).filter(pk=box.pk).exists():
        raise Skipped("seen")
