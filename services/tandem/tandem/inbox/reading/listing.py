"""What is in somebody's inbox: a page at a time, his own and his tenant's announcements together, latest first."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.boxes.state import state_of
from tandem.inbox.content.rendering import announcement_item, item_of
from tandem.inbox.models import Announcement, AnnouncementMark, Board, Mailbox, Notification
from tandem.inbox.reading.marking import NotHis, split

_LAST = 2**63 - 1


class Cursor(NamedTuple):
    """Where a page ends: whatever comes next has a lower place, and a lower number on the board."""

    place: int = _LAST
    number: int = _LAST

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Read what `str` wrote. Raises `ValueError`."""
        parts = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
        if not (isinstance(parts, list) and len(parts) == 2 and all(type(each) is int for each in parts)):
            raise ValueError("no cursor of ours")
        if not all(0 <= each <= _LAST for each in parts):
            raise ValueError("no cursor of ours")
        return cls(*parts)


class Filter(NamedTuple):
    """What of it: all of the inbox unless said."""

    is_unseen: bool = False
    is_unread: bool = False
    is_archived: bool = False
    category: str | None = None


class Page(NamedTuple):
    """Items, the state that they are at least as new as, and where the next page begins."""

    state: dict[str, Any]
    items: list[dict[str, Any]]
    next: Cursor | None


def counts(user: Any, tenant: str) -> dict[str, Any]:
    """Return the state of *user*'s inbox."""
    return state_of(mailboxes.of(user, tenant), mailboxes.board_of(tenant))


def page(user: Any, tenant: str, wanted: Filter, cursor: Cursor, limit: int) -> Page:
    """Return *limit* items from *cursor* on."""
    box, board = mailboxes.of(user, tenant), mailboxes.board_of(tenant)
    state = state_of(box, board)  # before the rows: they may be newer, never older
    own = list(own_rows(box, wanted).filter(place__lt=cursor.place)[: limit + 1])
    announced = [
        (each, item)
        for each, item in _announcements(box, board, state)
        if each.number < cursor.number and _fits(item, wanted)
    ][: limit + 1]
    items: list[dict[str, Any]] = []
    place, number = cursor
    while len(items) < limit and (own or announced):
        if not announced or (own and own[0].arrived_at >= announced[0][0].created_at):
            notification = own.pop(0)
            place = notification.place
            items.append(item_of(notification))
        else:
            announcement, item = announced.pop(0)
            number = announcement.number
            items.append(item)
    return Page(state, items, Cursor(place, number) if own or announced else None)


def one(user: Any, tenant: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state of *user*'s inbox and the item called *name*. Raises `NotHis`."""
    box, board = mailboxes.of(user, tenant), mailboxes.board_of(tenant)
    state = state_of(box, board)
    own, _ = split([name])
    if own:
        rows = Notification.objects.using(home()).select_related("message")
        found = rows.filter(mailbox=box, pk__in=own, box__lt=Notification.Box.GONE).first()
        if found is not None:
            return state, item_of(found)
    for _, item in _announcements(box, board, state):
        if item["id"] == name:
            return state, item
    raise NotHis


def own_rows(box: Mailbox, wanted: Filter) -> QuerySet[Notification]:
    """Return the rows of *box* that are *wanted*, latest first: one scan of one index."""
    which = Notification.Box.ARCHIVE if wanted.is_archived else Notification.Box.INBOX
    rows = Notification.objects.using(home()).filter(mailbox=box, box=which).order_by("-place")
    if wanted.is_unseen:
        rows = rows.filter(seen_at=None)
    if wanted.is_unread:
        rows = rows.filter(read_at=None)
    if wanted.category is not None:
        rows = rows.filter(category=wanted.category)
    return rows.select_related("message")


def _announcements(box: Mailbox, board: Board, state: dict[str, Any]) -> list[tuple[Announcement, dict[str, Any]]]:
    """Return what is live on *board* for *box*, each with its item, latest first."""
    if not board.live:
        return []
    own = state["own"]
    rows = Announcement.objects.using(home()).filter(board=board, number__in=board.live, number__gt=box.begins_after)
    versions = dict(
        AnnouncementMark.objects.using(home())
        .filter(Q(mailbox=box), announcement__in=rows)
        .values_list("announcement_id", "version")
    )
    found = []
    for each in rows.exclude(message__kind__in=own["muted"]).select_related("message").order_by("-number"):
        item = announcement_item(each)
        is_archived = each.number in own["archived"]
        is_read = each.number <= own["read_up_to"] or each.number in own["read"]
        item.update(
            version=[versions.get(each.pk, 0), each.version],
            seen=is_read or is_archived or each.number <= own["seen_up_to"],
            read=is_read,
            archived=is_archived,
        )
        found.append((each, item))
    return found


def _fits(item: dict[str, Any], wanted: Filter) -> bool:
    if wanted.category not in (None, item["category"]):
        return False
    if wanted.is_unseen and item["seen"]:
        return False
    if wanted.is_unread and item["read"]:
        return False
    return bool(item["archived"] == wanted.is_archived)
