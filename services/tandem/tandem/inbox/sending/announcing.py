"""Announcements: one row and one push for everyone of a tenant, however many they are."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import transaction

from tandem.inbox.boxes import mailboxes, pushing
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content.rendering import announcement_item, texts_of
from tandem.inbox.models import Announcement, Board, Message
from tandem.inbox.signals import announced

MOST_LIVE = 100
"""So many announcements a board has; one more, and the oldest is gone."""


def announce(message: Message) -> bool:
    """Put *message* up on its tenant's board and tell everyone, in the open transaction; False where it is up there."""
    board = mailboxes.lock_board(message.tenant)
    rows = Announcement.objects.using(home())
    if rows.filter(message=message).exists():
        return False
    number = board.version + 1
    made = rows.create(board=board, message=message, number=number, version=number, expires_at=message.expires_at)
    live = {**board.live_kinds, number: message.kind}
    oldest = list(live)[:-MOST_LIVE]
    rows.filter(board=board, number__in=oldest).update(is_gone=True)
    change(board, {each: kind for each, kind in live.items() if each not in oldest})
    pushing.push_everyone(board, "inbox.announced", item=item_for_everyone(made))
    transaction.on_commit(lambda: announced.send_robust(Message, message=message), using=home(), robust=True)
    return True


def change(board: Board, live: Mapping[int, str]) -> None:
    """Give the locked *board* one version more, and these *live* numbers with their kinds."""
    board.version += 1
    board.live, board.kinds = list(live), list(live.values())
    board.save(using=home(), update_fields=["version", "live", "kinds"])


def item_for_everyone(announcement: Announcement) -> dict[str, object]:
    """Return *announcement* as it is pushed: in the project's language, and the texts of the others beside it."""
    return {
        **announcement_item(announcement, settings.LANGUAGE_CODE),
        "texts": texts_of(announcement.message),
    }


def take_down(announcements: list[Announcement], board: Board) -> None:
    """Have *announcements* of the locked *board* be gone for everyone."""
    numbers = [each.number for each in announcements if not each.is_gone]
    if not numbers:
        return
    change(board, {number: kind for number, kind in board.live_kinds.items() if number not in numbers})
    board.announcements.filter(number__in=numbers).update(is_gone=True, version=board.version)
    pushing.push_everyone(board, "inbox.retracted", ids=[f"a{number}" for number in numbers])
