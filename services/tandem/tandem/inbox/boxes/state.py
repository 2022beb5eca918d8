"""The two registers that every list, count and push carries: a mailbox's and its tenant's board."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.models import AnnouncementMark, Board, Mailbox
from tandem.inbox.preferences.wishes import muted_kinds


class Marks(NamedTuple):
    """Of announcements: the live numbers that somebody read, those that he archived, and the kinds that he muted."""

    read: list[int]
    archived: list[int]
    muted: list[str]


def whole(mailbox: Mailbox, board: Board, marks: Marks) -> dict[str, Any]:
    """Return both registers and the totals that follow from them."""
    done = {*marks.read, *marks.archived}
    left = [number for number, kind in board.live_kinds.items() if number not in done and kind not in marks.muted]
    unseen = sum(number > mailbox.seen_up_to for number in left)
    unread = sum(number > mailbox.read_up_to for number in left)
    return {
        "tenant": mailbox.tenant,
        "version": [mailbox.version, board.version],
        "unseen": mailbox.unseen + unseen,
        "unread": mailbox.unread + unread,
        "own": {
            "unseen": mailbox.unseen,
            "unread": mailbox.unread,
            "begins_after": mailbox.begins_after,
            "seen_up_to": mailbox.seen_up_to,
            "read_up_to": mailbox.read_up_to,
            "read": marks.read,
            "archived": marks.archived,
            "muted": marks.muted,
        },
        "shared": {"live": board.live, "kinds": board.kinds},
    }


def shared(board: Board) -> dict[str, Any]:
    """Return the board's register alone: what everyone is told."""
    return {
        "tenant": board.tenant,
        "version": [None, board.version],
        "shared": {"live": board.live, "kinds": board.kinds},
    }


def state_of(mailbox: Mailbox, board: Board) -> dict[str, Any]:
    """Return both registers with the marks that *mailbox* has."""
    return whole(mailbox, board, marks_of([mailbox], board)[mailbox.pk])


def marks_of(mailboxes: Collection[Mailbox], board: Board) -> dict[int, Marks]:
    """Return the marks of *mailboxes*, by their ids, on what is live on *board*."""
    found = {pk: Marks([], [], muted) for pk, muted in muted_kinds(mailboxes).items()}
    if not board.live:
        return found
    rows = AnnouncementMark.objects.using(home()).filter(
        Among("mailbox", found), announcement__board=board, announcement__number__in=board.live
    )
    for pk, number, is_read, is_archived in rows.order_by("announcement__number").values_list(
        "mailbox_id", "announcement__number", "is_read", "is_archived"
    ):
        if is_archived:
            found[pk].archived.append(number)
        elif is_read:
            found[pk].read.append(number)
    return found
