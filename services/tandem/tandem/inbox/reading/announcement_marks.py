"""What one user made of announcements: up to a number, and of single ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.models import Announcement, AnnouncementMark, Mailbox, Message


def mark_announcements_up_to(box: Mailbox, number: int, state: str) -> bool:
    """Have all up to *number* be seen, and read if that is the *state*; tell whether that changes the locked *box*."""
    before = box.seen_up_to, box.read_up_to
    box.seen_up_to = max(box.seen_up_to, number)
    if state == "read":
        box.read_up_to = max(box.read_up_to, number)
    return before != (box.seen_up_to, box.read_up_to)


def mark_announcements(box: Mailbox, announcements: Collection[Announcement], state: str) -> bool:
    """Mark *announcements* for the locked *box*, and tell whether that changes it. Seen is seen with all before it."""
    if not announcements:
        return False
    if state == "seen":
        return mark_announcements_up_to(box, max(each.number for each in announcements), state)
    if state == "unread":
        _read_one_by_one(box, min(each.number for each in announcements))
    field, is_on = "is_archived" if "archived" in state else "is_read", state in ("read", "archived")
    marks = AnnouncementMark.objects.using(home()).filter(mailbox=box, announcement__in=announcements)
    marked = set(marks.filter(**{field: True}).values_list("announcement_id", flat=True))
    differing = [each for each in announcements if (each.pk in marked) != is_on]
    if state == "read":
        differing = [each for each in differing if each.number > box.read_up_to]
    _write(box, differing, field, is_on=is_on)
    return bool(differing)


def have_seen(message: Message) -> QuerySet[Mailbox]:
    """Return the mailboxes whose users have seen the announced *message*: up to its number, or it by itself."""
    boxes = Mailbox.objects.using(home()).filter(tenant=message.tenant)
    found = Announcement.objects.using(home()).filter(message=message).first()
    if found is None:
        return boxes.none()
    marked = AnnouncementMark.objects.using(home()).filter(Q(is_read=True) | Q(is_archived=True), announcement=found)
    is_seen = Q(seen_up_to__gte=found.number) | Q(read_up_to__gte=found.number) | Q(pk__in=marked.values("mailbox"))
    return boxes.filter(is_seen, begins_after__lt=found.number)


def _read_one_by_one(box: Mailbox, number: int) -> None:
    """Have the announcements from *number* on that are read up to some later one be read each by itself."""
    if box.read_up_to < number:
        return
    rows = Announcement.objects.using(home()).filter(board__tenant=box.tenant, is_gone=False)
    _write(box, rows.filter(number__gte=number, number__lte=box.read_up_to), "is_read", is_on=True)
    box.read_up_to = number - 1


def _write(box: Mailbox, announcements: Iterable[Announcement], field: str, *, is_on: bool) -> None:
    AnnouncementMark.objects.using(home()).bulk_create(
        [
            AnnouncementMark(mailbox=box, announcement=each, version=box.version + 1, **{field: is_on})
            for each in announcements
        ],
        update_conflicts=True,
        unique_fields=["mailbox", "announcement"],
        update_fields=[field, "version"],
    )
