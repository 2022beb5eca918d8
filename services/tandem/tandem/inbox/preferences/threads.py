"""Threads as their reader knows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tandem.inbox.boxes import mailboxes
from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.content.rendering import words
from tandem.inbox.models import Notification


def labelled(user: Any, tenant: str, threads: Iterable[str]) -> list[dict[str, str]]:
    """Return each of *threads* with the title of what *user* last had of it, in the active language."""
    box = mailboxes.of(user, tenant)
    rows = Notification.objects.using(home()).filter(mailbox=box).select_related("message")
    found = {name: rows.filter(thread=name).order_by("-place").first() for name in threads}
    return [
        {"name": name, "label": name if row is None else words(row.message, row.count, None)["title"]}
        for name, row in found.items()
    ]
