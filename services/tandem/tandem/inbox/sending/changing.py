"""Edit and retract what was said; whoever has it open sees it change."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from tandem.inbox.boxes import mailboxes, pushing
from tandem.inbox.boxes.locking import locked
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.boxes.state import state_of
from tandem.inbox.content.drafting import changes_of
from tandem.inbox.content.rendering import Words, item_of, language_of
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
from tandem.inbox.sending.grouping import leave
from tandem.inbox.sending.poking import poke_at_commit
from tandem.inbox.signals import retracted

AT_ONCE = 100
"""So many inboxes a change reaches in the caller's transaction; more are left to the worker."""


def edit(message: Message, **changes: Any) -> Message:
    """
    Change what *message* says (`title`, `body`, `url`, `data`, `severity`) for everybody, without a new alert.

    Raises `InvalidNotification` as `notify` does.
    """
    checked = changes_of(changes)
    with transaction.atomic(using=home()):
        fresh = _lock(message)
        for name, value in checked.items():
            setattr(fresh, name, value)
        fresh.save(using=home(), update_fields=list(checked))
        for announcement in Announcement.objects.using(home()).filter(message=fresh, is_gone=False):
            _edit_announcement(announcement, mailboxes.lock_board(fresh.tenant))
        _change_everywhere(fresh, Bulk.Task.EDIT)
    return fresh


def retract(message: Message) -> Message:
    """Take *message* back from everybody who has it, and from those to whom it is on its way."""
    with transaction.atomic(using=home()):
        fresh = _lock(message)
        if fresh.retracted_at is not None:
            return fresh
        fresh.retracted_at = timezone.now()
        fresh.save(using=home(), update_fields=["retracted_at"])
        BulkRecipient.objects.using(home()).filter(message=fresh).order_by().delete()
        waiting = Delivery.objects.using(home()).filter(message=fresh, state=Delivery.State.WAITING)
        waiting.update(state=Delivery.State.SKIPPED, reason="retracted", settled_at=timezone.now())
        for announcement in Announcement.objects.using(home()).filter(message=fresh, is_gone=False):
            announcing.take_down([announcement], mailboxes.lock_board(fresh.tenant))
        _change_everywhere(fresh, Bulk.Task.RETRACT)
        transaction.on_commit(lambda: retracted.send_robust(Message, message=fresh), using=home(), robust=True)
    return fresh


def change_batch(message: Message, task: str, *, after: int, limit: int) -> int | None:
    """
    Carry an edit or a retraction into the next *limit* mailboxes *after* one, in the transaction that is open.

    Returns the last of them, or None when there were no more.
    """
    numbers = _mailboxes_after(message, after, limit)
    boxes = list(mailboxes.lock_numbers(numbers).values())
    (_edit_in if task == Bulk.Task.EDIT else _retract_in)(boxes, message)
    return numbers[-1] if len(numbers) == limit else None


def _change_everywhere(message: Message, task: Bulk.Task) -> None:
    if len(_mailboxes_after(message, 0, AT_ONCE + 1)) <= AT_ONCE:
        change_batch(message, task, after=0, limit=AT_ONCE + 1)
        return
    Bulk.objects.using(home()).update_or_create(message=message, task=task, defaults={"after": 0})
    poke_at_commit()


def _mailboxes_after(message: Message, after: int, limit: int) -> list[int]:
    found: set[int] = set()
    for rows in (Notification, Member):
        having = rows._default_manager.using(home()).filter(message=message, mailbox__gt=after)
        found.update(having.order_by("mailbox_id").values_list("mailbox_id", flat=True)[:limit])
    return sorted(found)[:limit]


def _edit_in(boxes: Collection[Mailbox], message: Message) -> None:
    rows = Notification.objects.using(home()).filter(message=message, mailbox__in=boxes, box__lt=Notification.Box.GONE)
    by_box = {row.mailbox_id: row for row in rows}
    tell_edited([box for box in boxes if box.pk in by_box], by_box, message)


def tell_edited(boxes: Collection[Mailbox], rows: dict[int, Notification], message: Message) -> None:
    """Give the locked *boxes* and their *rows* a new version, and tell whose they are how *message* reads now."""
    mailboxes.count_up(boxes)
    users, known, boards = mailboxes.users_of(boxes), Words(), dict[str, Board]()
    for box in boxes:
        rows[box.pk].version, rows[box.pk].message = box.version, message
    Notification.objects.using(home()).bulk_update(rows.values(), ["version", "message", "count"], batch_size=500)
    for box in boxes:
        if box.pk in users:
            board = boards.setdefault(box.tenant, mailboxes.board_of(box.tenant))
            item = item_of(rows[box.pk], language_of(users[box.pk]), known)
            pushing.push(users[box.pk], "inbox.edited", state_of(box, board), item=item)


def _retract_in(boxes: Collection[Mailbox], message: Message) -> None:
    left = leave(message, boxes)
    rows = Notification.objects.using(home()).filter(message=message, mailbox__in=boxes)
    remove(boxes, [row for row in rows if row.mailbox_id not in left])
    for latest in {row.message_id: row.message for row in left.values()}.values():
        of_it = {pk: row for pk, row in left.items() if row.message_id == latest.pk}
        tell_edited([box for box in boxes if box.pk in of_it], of_it, latest)


def _edit_announcement(announcement: Announcement, board: Board) -> None:
    announcing.change(board, board.live_kinds)
    announcement.version = board.version
    announcement.save(using=home(), update_fields=["version"])
    pushing.push_everyone(board, "inbox.edited", item=announcing.item_for_everyone(announcement))


def _lock(message: Message) -> Message:
    return locked(Message.objects.using(home()).filter(pk=message.pk)).get()
