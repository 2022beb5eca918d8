"""By which media a message comes to whom: what his preferences say, else what its kind says."""

from __future__ import annotations

from collections.abc import Collection

from tandem.inbox.boxes.among import Among
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content import kinds
from tandem.inbox.content.kinds import Kind
from tandem.inbox.models import Mailbox, Mute, Preference
from tandem.inbox.preferences import media


def wishes_of(kind: Kind, thread: str, boxes: Collection[Mailbox]) -> dict[int, frozenset[str]]:
    """Return the media by which a message of *kind* in *thread* comes to each of *boxes*, by their ids."""
    usual = frozenset(name for name in kind.media if name in media.declared())
    numbers = [box.pk for box in boxes]
    if kind.is_critical:
        return dict.fromkeys(numbers, usual)
    muted: set[int] = set()
    if thread:
        mutes = Mute.objects.using(home()).filter(Among("mailbox", numbers), thread=thread)
        muted.update(mutes.values_list("mailbox_id", flat=True))
    preferences = Preference.objects.using(home()).filter(Among("mailbox", numbers), kind=kind.name)
    changes: dict[int, dict[str, bool]] = {}
    for pk, medium, is_on in preferences.values_list("mailbox_id", "medium", "is_on"):
        changes.setdefault(pk, {})[medium] = is_on
    return {pk: frozenset() if pk in muted else chosen(usual, changes.get(pk, {})) for pk in numbers}


def muted_kinds(boxes: Collection[Mailbox]) -> dict[int, list[str]]:
    """Return the kinds that do not come into each of *boxes*, by their ids: what an announcement is judged by."""
    usual = {kind.name: media.INBOX in kind.media for kind in kinds.declared() if not kind.is_critical}
    rows = Preference.objects.using(home()).filter(Among("mailbox", [box.pk for box in boxes]), medium=media.INBOX)
    changes: dict[int, dict[str, bool]] = {}
    for pk, kind, is_on in rows.values_list("mailbox_id", "kind", "is_on"):
        changes.setdefault(pk, {})[kind] = is_on
    unchanged = [name for name, is_on in usual.items() if not is_on]
    return {
        box.pk: [name for name, is_on in usual.items() if not changes[box.pk].get(name, is_on)]
        if box.pk in changes
        else unchanged
        for box in boxes
    }


def chosen(usual: frozenset[str], changes: dict[str, bool]) -> frozenset[str]:
    """Return the media that are on: the *usual* ones with somebody's *changes*, of those that there are."""
    wanted = {name for name in usual if changes.get(name, True)} | {name for name, is_on in changes.items() if is_on}
    return frozenset(wanted & media.declared().keys())
