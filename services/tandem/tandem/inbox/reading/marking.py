"""Mark what is in a mailbox: seen, read, unread, archived; some of it, or all that was shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from tandem.inbox.boxes import mailboxes, pushing
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.boxes.state import state_of
from tandem.inbox.models import Announcement, Board, Mailbox, Notification
from tandem.inbox.reading.announcement_marks import mark_announcements, mark_announcements_up_to

STATES: dict[str, dict[str, bool]] = {
    "seen": {"seen": True},
    "read": {"seen": True, "read": True},
    "unread": {"read": False},
    "archived": {"seen": True, "archived": True},
    "unarchived": {"archived": False},
}
"""What each mark sets."""
OF_ALL = ("seen", "read", "archived")
_DIFFERING = {
    "seen": Q(seen_at=None),
    "read": Q(read_at=None),
    "unread": Q(read_at__isnull=False),
    "archived": Q(box=Notification.Box.INBOX),
    "unarchived": Q(box=Notification.Box.ARCHIVE),
}


class NotHis(Exception):
    """There is no such notification, or it is another's: nobody is told which."""


class Shown(NamedTuple):
    """What a page showed when its user marked all of it: the versions of both registers, and maybe a category."""

    own: int
    announcements: int
    category: str | None = None


def mark(user: Any, tenant: str, state: str, ids: Sequence[str]) -> dict[str, Any]:
    """Mark *ids* of *user*, all or none, and return his state. Raises `NotHis`."""
    own, numbers = split(ids)
    box = mailboxes.of(user, tenant)
    with transaction.atomic(using=home()):
        box = mailboxes.lock_one(box)
        board = mailboxes.board_of(tenant)
        rows = _rows(box).filter(pk__in=own, box__lt=Notification.Box.GONE)
        announcements = [each for each in _live(board, box) if each.number in numbers]
        if rows.count() != len(own) or len(announcements) != len(numbers):
            raise NotHis
        has_changed = _change(box, rows, state)
        has_changed |= mark_announcements(box, announcements, state)
        return _settle(box, board, user, has_changed, ids=list(ids), set=STATES[state])


def mark_all(user: Any, tenant: str, state: str, shown: Shown) -> dict[str, Any]:
    """Mark everything of *user* that was there at the versions *shown*, and return his state."""
    box = mailboxes.of(user, tenant)
    with transaction.atomic(using=home()):
        box = mailboxes.lock_one(box)
        board = mailboxes.board_of(tenant)
        up_to = min(shown.announcements, board.version)
        rows = _rows(box).filter(box=Notification.Box.INBOX, place__lte=shown.own)
        announcements = [each for each in _live(board, box) if each.number <= up_to]
        if shown.category is not None:
            rows = rows.filter(category=shown.category)
            announcements = [each for each in announcements if each.message.category == shown.category]
        has_changed = _change(box, rows, state)
        if shown.category is None and state != "archived":
            has_changed |= mark_announcements_up_to(box, up_to, state)
        elif state != "seen":
            has_changed |= mark_announcements(box, announcements, state)
        told = {"up_to": [shown.own, up_to], "category": shown.category, "set": STATES[state]}
        return _settle(box, board, user, has_changed, **told)


def split(ids: Sequence[str]) -> tuple[set[int], set[int]]:
    """Return the numbers of notifications and of announcements in *ids*. Raises `NotHis` for what is no id of ours."""
    own: set[int] = set()
    announcements: set[int] = set()
    for each in ids:
        digits = each.removeprefix("a")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise NotHis
        (announcements if each[0] == "a" else own).add(int(digits))
    return own, announcements


def _rows(box: Mailbox) -> QuerySet[Notification]:
    return Notification.objects.using(home()).filter(mailbox=box)


def _live(board: Board, box: Mailbox) -> list[Announcement]:
    """Return the announcements that are there and *box*'s."""
    if not board.live:
        return []
    rows = Announcement.objects.using(home()).select_related("message")
    return list(rows.filter(board=board, number__in=board.live, number__gt=box.begins_after))


def _change(box: Mailbox, rows: QuerySet[Notification], state: str) -> bool:
    """Change those of *rows* that are not so yet, and the counts of the locked *box*; tell whether there were any."""
    differing = rows.filter(_DIFFERING[state])
    in_inbox, in_archive = Q(box=Notification.Box.INBOX), Q(box=Notification.Box.ARCHIVE)
    before = differing.order_by().aggregate(
        all=Count("pk"),
        unseen=Count("pk", filter=in_inbox & Q(seen_at=None)),
        unread=Count("pk", filter=in_inbox & Q(read_at=None)),
        read=Count("pk", filter=in_inbox & Q(read_at__isnull=False)),
        put_back=Count("pk", filter=in_archive & Q(read_at=None)),
    )
    if not before["all"]:
        return False
    if state in ("seen", "read", "archived"):
        box.unseen -= before["unseen"]
    if state in ("read", "archived"):
        box.unread -= before["unread"]
    elif state in ("unread", "unarchived"):
        box.unread += before["read"] if state == "unread" else before["put_back"]
    now = timezone.now()
    seen: dict[str, Any] = {"seen_at": Coalesce(F("seen_at"), Value(now))}
    changes: dict[str, dict[str, Any]] = {
        "seen": seen,
        "read": {**seen, "read_at": now},
        "unread": {"read_at": None},
        "archived": {**seen, "box": Notification.Box.ARCHIVE},
        "unarchived": {"box": Notification.Box.INBOX},
    }
    differing.update(version=box.version + 1, **changes[state])
    return True


def _settle(box: Mailbox, board: Board, user: Any, has_changed: bool, **told: Any) -> dict[str, Any]:
    """Write the locked *box* and tell its user's other pages, if anything has changed; return his state."""
    if not has_changed:
        return state_of(box, board)
    box.version += 1
    box.save(using=home(), update_fields=["version", "unseen", "unread", "seen_up_to", "read_up_to"])
    return pushing.push_change(box, user, board, "inbox.changed", **told)
