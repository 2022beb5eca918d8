"""The two registers that every list, count and push carries: a mailbox's and its tenant's board."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.models import AnnouncementMark, Board, Mailbox


class Marks(NamedTuple):
    """The numbers of live announcements that somebody read, and that he archived."""

    read: list[int]
    archived: list[int]


NONE = Marks([], [])


def whole(mailbox: Mailbox, board: Board, marks: Marks = NONE) -> dict[str, Any]:
    """Return both registers and the totals that follow from them."""
    done = {*marks.read, *marks.archived}
    unseen = sum(number > mailbox.seen_up_to and number not in done for number in board.live)
    unread = sum(number > mailbox.read_up_to and number not in done for number in board.live)
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
        },
        "shared": {"live": board.live},
    }


def shared(board: Board) -> dict[str, Any]:
    """Return the board's register alone: what everyone is told."""
    return {"tenant": board.tenant, "version": [None, board.version], "shared": {"live": board.live}}


def state_of(mailbox: Mailbox, board: Board) -> dict[str, Any]:
    """Return both registers with the marks that *mailbox* has."""
    return whole(mailbox, board, marks_of([mailbox], board).get(mailbox.pk, NONE))


def marks_of(mailboxes: Iterable[Mailbox], board: Board) -> dict[int, Marks]:
    """Return the marks of *mailboxes*, by their ids, on what is live on *board*."""
    if not board.live:
        return {}
    rows = AnnouncementMark.objects.using(home()).filter(
        mailbox__in=[box.pk for box in mailboxes], announcement__board=board, announcement__number__in=board.live
    )
    found: dict[int, Marks] = {}
    for pk, number, is_read, is_archived in rows.order_by("announcement__number").values_list(
        "mailbox_id", "announcement__number", "is_read", "is_archived"
    ):
        marks = found.setdefault(pk, Marks([], []))
        if is_archived:
            marks.archived.append(number)
        elif is_read:
            marks.read.append(number)
    return found
