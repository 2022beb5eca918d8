"""Take notifications out of inboxes: what was retracted, what has expired."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models.functions import Now

from tandem.inbox.boxes import mailboxes, pushing
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.boxes.state import state_of
from tandem.inbox.models import Announcement, Mailbox, Notification
from tandem.inbox.sending import announcing


def remove(boxes: Collection[Mailbox], rows: Collection[Notification]) -> None:
    """Have *rows* be gone from the locked *boxes*, which all of them lie in, and tell whose they were."""
    users = mailboxes.users_of(boxes)
    by_box: dict[int, list[Notification]] = {}
    for row in rows:
        if row.box != Notification.Box.GONE:
            by_box.setdefault(row.mailbox_id, []).append(row)
    changed = [box for box in boxes if box.pk in by_box]
    for box in changed:
        box.version += 1
        for row in by_box[box.pk]:
            if row.box == Notification.Box.INBOX:
                box.unseen -= row.seen_at is None
                box.unread -= row.read_at is None
            row.box, row.version = Notification.Box.GONE, box.version
    gone = [row for each in by_box.values() for row in each]
    Notification.objects.using(home()).bulk_update(gone, ["box", "version"], batch_size=500)
    mailboxes.save(changed)
    for box in changed:
        if box.pk in users:
            ids = [str(row.pk) for row in by_box[box.pk]]
            board = mailboxes.board_of(box.tenant)
            pushing.push(users[box.pk], "inbox.retracted", state_of(box, board), ids=ids)


def remove_expired(limit: int = 500, *, mailbox: Mailbox | None = None) -> int:
    """
    Have what has expired by the database's clock be gone, at most *limit* rows of it, of one *mailbox* if it is given.

    In the transaction that is open. Returns how many rows that were.
    """
    due = Notification.objects.using(home()).filter(expires_at__lte=Now(), box__lt=Notification.Box.GONE)
    if mailbox is not None:
        due = due.filter(mailbox=mailbox)
    numbers = set(due.order_by("expires_at").values_list("mailbox_id", flat=True)[:limit])
    if not numbers:
        return 0
    boxes = mailboxes.lock_numbers(numbers)
    rows = list(due.filter(mailbox__in=boxes)[: 2 * limit])
    remove(list(boxes.values()), rows)
    return len(rows)


def remove_expired_announcements(*, tenant: str | None = None) -> int:
    """Do the same for announcements, of one *tenant* if it is given."""
    due = Announcement.objects.using(home()).filter(expires_at__lte=Now(), is_gone=False)
    if tenant is not None:
        due = due.filter(board__tenant=tenant)
    tenants = sorted(set(due.values_list("board__tenant", flat=True)))
    count = 0
    for tenant in tenants:
        board = mailboxes.lock_board(tenant)
        found = list(due.filter(board=board))
        announcing.take_down(found, board)
        count += len(found)
    return count
