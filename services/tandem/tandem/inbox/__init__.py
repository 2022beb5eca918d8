"""
In-app notifications: an inbox for each user, whose counts do not lie.

`notify` writes rows in the caller's transaction; the pushes go when it commits. Kinds are declared with `kind` in an
app's ``notifications.py``. What a page asks is in ``tandem.inbox.urls``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tandem.inbox.content.kinds import Kind, kind
    from tandem.inbox.errors import InvalidNotification
    from tandem.inbox.preferences.media import medium
    from tandem.inbox.sending.changing import edit, retract
    from tandem.inbox.sending.notifying import EVERYONE, anotify, notify
    from tandem.inbox.signals import announced, notified, retracted

__all__ = [
    "EVERYONE",
    "InvalidNotification",
    "Kind",
    "announced",
    "anotify",
    "edit",
    "kind",
    "medium",
    "notified",
    "notify",
    "retract",
    "retracted",
]

# Loaded at first use: what writes rows has models, and models need Django's registry of apps.
_LATER = {
    "EVERYONE": "sending.notifying",
    "InvalidNotification": "errors",
    "Kind": "content.kinds",
    "announced": "signals",
    "anotify": "sending.notifying",
    "edit": "sending.changing",
    "kind": "content.kinds",
    "medium": "preferences.media",
    "notified": "signals",
    "notify": "sending.notifying",
    "retract": "sending.changing",
    "retracted": "signals",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"tandem.inbox.{_LATER[name]}"), name)
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
