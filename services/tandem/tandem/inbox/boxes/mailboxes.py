"""Mailboxes, locked in the order of their ids: so two notifications to the same users never wait in a ring."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import F, QuerySet

from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.inserting import insert_from
from tandem.inbox.boxes.locking import locked
from tandem.inbox.models import Board, Mailbox

_MOST_KEYS = 500


def home() -> str:
    """Return the alias of the database that the inbox is in."""
    return router.db_for_write(Mailbox)


def lock(tenant: str, recipients: Collection[Any]) -> dict[Any, Mailbox]:
    """
    Return the mailboxes of *recipients* (primary keys) by recipient, locked until the transaction ends.

    Those who had none have one then.
    """
    found = {box.recipient_id: box for box in locked(_of(tenant, recipients))}
    missing = sorted(set(recipients) - found.keys())
    if missing:
        _make(tenant, missing)
        # In the order of ids: those that are new have the highest.
        found |= {box.recipient_id: box for box in locked(_of(tenant, missing))}
    return found


def lock_one(mailbox: Mailbox) -> Mailbox:
    """Return *mailbox* as it is now, locked until the transaction ends."""
    return lock_numbers([mailbox.pk])[mailbox.pk]


def lock_numbers(numbers: Collection[int]) -> dict[int, Mailbox]:
    """Return the mailboxes of these *numbers* by them, as they are now, locked until the transaction ends."""
    return {box.pk: box for box in locked(Mailbox.objects.using(home()).filter(Among("pk", numbers)).order_by("pk"))}


def users(keys: Collection[Any]) -> dict[Any, Any]:
    """Return the users of these primary keys by them; those who are no more are missing."""
    return {user.pk: user for user in get_user_model()._base_manager.using(home()).filter(Among("pk", keys))}


def users_of(boxes: Collection[Mailbox]) -> dict[int, Any]:
    """Return the users of *boxes* by the numbers of these; those who are no more are missing."""
    found = users([box.recipient_id for box in boxes])
    return {box.pk: found[box.recipient_id] for box in boxes if box.recipient_id in found}


def everybody() -> QuerySet[Any]:
    """Return every user who is active."""
    users: QuerySet[Any] = get_user_model()._base_manager.using(home()).all()
    has_flag = any(field.name == "is_active" for field in get_user_model()._meta.get_fields())
    return users.filter(is_active=True) if has_flag else users


def of(user: Any, tenant: str) -> Mailbox:
    """Return the mailbox of *user*, as it is now; it is made if there is none."""
    boxes = Mailbox.objects.using(home()).filter(recipient_id=user.pk, tenant=tenant)
    found = boxes.first()
    if found is None:
        _make(tenant, [user.pk])
        found = boxes.get()
    return found


def count_up(mailboxes: Iterable[Mailbox], *, unseen: int = 0, unread: int = 0) -> None:
    """Change locked *mailboxes*: one version more, and their counts by so many."""
    boxes = list(mailboxes)
    for box in boxes:
        box.version += 1
        box.unseen += unseen
        box.unread += unread
    if boxes:
        Mailbox.objects.using(home()).filter(Among("pk", [box.pk for box in boxes])).update(
            version=F("version") + 1, unseen=F("unseen") + unseen, unread=F("unread") + unread
        )


def save(boxes: Collection[Mailbox]) -> None:
    """Write the version and the counts of locked *boxes*."""
    Mailbox.objects.using(home()).bulk_update(boxes, ["version", "unseen", "unread"], batch_size=_MOST_KEYS)


def lock_board(tenant: str) -> Board:
    """Return the board of *tenant*, locked until the transaction ends; it is made if there is none."""
    boards = Board.objects.using(home())
    boards.bulk_create([Board(tenant=tenant)], ignore_conflicts=True)
    return locked(boards).get(tenant=tenant)


def board_of(tenant: str) -> Board:
    """Return the board of *tenant* as it is now; an empty one that is not saved if there is none."""
    return Board.objects.using(home()).filter(tenant=tenant).first() or Board(
        tenant=tenant, version=0, live=[], kinds=[]
    )


def _of(tenant: str, recipients: Collection[Any]) -> QuerySet[Mailbox]:
    return Mailbox.objects.using(home()).filter(Among("recipient", recipients), tenant=tenant).order_by("pk")


def _make(tenant: str, recipients: Collection[Any]) -> None:
    """Make the mailboxes of *recipients* that exist, where they have none."""
    by_number: dict[int, list[Any]] = {}
    for pk, number in _numbers_before(tenant, recipients).items():
        by_number.setdefault(number, []).append(pk)
    for number, keys in by_number.items():
        users = get_user_model()._base_manager.using(home()).filter(Among("pk", keys))
        begins = {"begins_after": number, "seen_up_to": number, "read_up_to": number}
        counts = {"version": 0, "unseen": 0, "unread": 0}
        insert_from(
            users, Mailbox, {"recipient": F("pk"), "tenant": tenant, **counts, **begins}, ignores_conflicts=True
        )


def _numbers_before(tenant: str, recipients: Collection[Any]) -> dict[Any, int]:
    """Return for each of *recipients* that exists the announcement from before he joined: none of those is his."""
    users = get_user_model()._base_manager.using(home()).filter(Among("pk", recipients))
    has_date = any(field.name == "date_joined" for field in get_user_model()._meta.get_fields())
    joined = dict(users.values_list("pk", "date_joined" if has_date else "pk"))
    board = board_of(tenant)
    if not has_date or board.pk is None or not board.live:
        return dict.fromkeys(joined, 0)
    times = list(board.announcements.order_by("number").values_list("number", "created_at"))
    return {pk: max((number for number, at in times if at < since), default=0) for pk, since in joined.items()}
