"""Bring a message into inboxes: rows, counts and pushes, all in the transaction that is open."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.db import transaction

from tandem.inbox.boxes import mailboxes, pushing, state
from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content import kinds
from tandem.inbox.content.rendering import Words, item_of, language_of
from tandem.inbox.elsewhere.deferring import defer
from tandem.inbox.models import Mailbox, Member, Message, Notification
from tandem.inbox.preferences import media
from tandem.inbox.preferences.wishes import wishes_of
from tandem.inbox.sending import grouping
from tandem.inbox.sending.making import make
from tandem.inbox.signals import notified
from tandem.repeats import Repeats

_repeats = Repeats(logging.getLogger("tandem.inbox"))


def deliver(message: Message, recipients: Collection[Any], *, is_tolerant: bool = False) -> list[Any]:
    """
    Bring *message* to *recipients* (primary keys) and return who has it now and had it not.

    Left out: who has it, who wants it not, who is no more. The project's ``should_notify`` is asked before anything is
    locked; what it raises is raised here, or logged if *is_tolerant*, and then that one is left out.
    """
    if message.retracted_at is not None:
        return []
    kind = kinds.find(message.kind)
    users = mailboxes.users(recipients)
    users = {pk: user for pk, user in users.items() if _is_wanted(kind, user, message, is_tolerant)}
    boxes = mailboxes.lock(message.tenant, list(users))
    fresh = _without_those_who_have_it(message, boxes)
    wishes = wishes_of(kind, message.thread, fresh.values())
    shown = {pk: box for pk, box in fresh.items() if media.INBOX in wishes[box.pk]}
    placed = grouping.place(message, shown.values()) if message.thread else _place(message, shown.values())
    defer(message, kind, [(users[pk], box, placed.get(box.pk), wishes[box.pk]) for pk, box in fresh.items()])
    _push(placed, shown, users)
    told = [pk for pk, box in fresh.items() if wishes[box.pk]]
    if told:
        transaction.on_commit(
            lambda: notified.send_robust(Message, message=message, recipients=told), using=home(), robust=True
        )
    return told


def _is_wanted(kind: kinds.Kind, user: Any, message: Message, is_tolerant: bool) -> bool:
    try:
        return bool(kind.should_notify(user, message))
    except Exception as error:  # the project's own: in the worker it must not stop the others
        if not is_tolerant:
            raise
        _repeats.error("inbox.should_notify", kind.name, kind=kind.name, user=str(user.pk), reason=str(error))
        return False


def _without_those_who_have_it(message: Message, boxes: dict[Any, Mailbox]) -> dict[Any, Mailbox]:
    numbers = [box.pk for box in boxes.values()]
    having: set[int] = set()
    for rows in (Notification, Member):
        found = rows._default_manager.using(home()).filter(Among("mailbox", numbers), message=message)
        having.update(found.values_list("mailbox_id", flat=True))
    return {pk: box for pk, box in boxes.items() if box.pk not in having}


def _place(message: Message, boxes: Collection[Mailbox]) -> dict[int, Notification]:
    """Make a notification in each of *boxes*, count it there, and return them by their mailboxes."""
    mailboxes.count_up(boxes, unseen=1, unread=1)
    return make(message, boxes)


def _push(placed: dict[int, Notification], boxes: dict[Any, Mailbox], users: dict[Any, Any]) -> None:
    if not placed:
        return
    known: Words = {}
    board = mailboxes.board_of(next(iter(boxes.values())).tenant)
    marks = state.marks_of(list(boxes.values()), board)
    for pk, box in boxes.items():
        item = item_of(placed[box.pk], language_of(users[pk]), known)
        pushing.push(users[pk], "inbox.notified", state.whole(box, board, marks[box.pk]), item=item)
