"""What a user wants to hear of: look, switch a kind's medium, mute a thread."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from tandem.inbox.boxes import mailboxes, pushing
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content import kinds
from tandem.inbox.content.drafting import text
from tandem.inbox.errors import InvalidNotification
from tandem.inbox.models import Mailbox, Mute, Preference
from tandem.inbox.preferences import media
from tandem.inbox.preferences.wishes import chosen


def overview(user: Any, tenant: str) -> dict[str, Any]:
    """Return every kind with the media by which it comes to *user*, and the threads that he muted."""
    box = mailboxes.of(user, tenant)
    changes: dict[str, dict[str, bool]] = {}
    rows = Preference.objects.using(home()).filter(mailbox=box)
    for kind, medium, is_on in rows.values_list("kind", "medium", "is_on"):
        changes.setdefault(kind, {})[medium] = is_on
    return {
        "kinds": [_of_kind(kind, changes.get(kind.name, {})) for kind in kinds.declared()],
        "media": {name: str(each.label) for name, each in media.declared().items()},
        "threads": list(
            Mute.objects.using(home()).filter(mailbox=box).order_by("thread").values_list("thread", flat=True)
        ),
    }


def choose(user: Any, tenant: str, kind: str, medium: str, *, is_on: bool) -> None:
    """
    Have *kind* come to *user* by *medium*, or not; his pages are told.

    Raises `InvalidNotification` for what is not to be chosen.
    """
    declared = kinds.find(kind)
    if medium not in media.declared():
        raise InvalidNotification("medium", f"{', '.join(media.declared())}, not {medium!r}")
    if declared.is_critical:
        raise InvalidNotification("kind", f"{kind!r} is critical: it comes to everybody")
    box = mailboxes.of(user, tenant)
    with transaction.atomic(using=home()):
        box = mailboxes.lock_one(box)
        Preference.objects.using(home()).update_or_create(
            mailbox=box, kind=kind, medium=medium, defaults={"is_on": is_on}
        )
        mailboxes.count_up([box])  # which announcements count may be others now
        pushing.push_change(box, user, mailboxes.board_of(tenant), "inbox.preferred", set={})


def mute(user: Any, tenant: str, thread: str, *, is_muted: bool) -> None:
    """Have nothing of *thread* come to *user*, or all again; what is critical comes all the same."""
    if not text("group", thread):
        raise InvalidNotification("thread", "a thread, not an empty text")
    box: Mailbox = mailboxes.of(user, tenant)
    rows = Mute.objects.using(home())
    with transaction.atomic(using=home()):
        if is_muted:
            rows.bulk_create([Mute(mailbox=box, thread=thread)], ignore_conflicts=True)
        else:
            rows.filter(mailbox=box, thread=thread).delete()


def _of_kind(kind: kinds.Kind, changes: dict[str, bool]) -> dict[str, Any]:
    usual = frozenset(kind.media)
    on = usual if kind.is_critical else chosen(usual, changes)
    return {
        "kind": kind.name,
        "label": str(kind.label) or kind.name,
        "category": kind.category,
        "critical": kind.is_critical,
        "media": {name: name in on for name in media.declared()},
    }
