"""
The words of ``<tandem-inbox>``, by the names that its attribute ``labels`` has, for Django to translate.

They have a context of their own (``msgctxt "inbox"``): other words of Django and of the project do not mix in.
"""

from __future__ import annotations

from django.utils.translation import pgettext

CONTEXT = "inbox"

LABELS = {
    "title": "Notifications",
    "new": "{count} new",
    "recovering": "Connecting",
    "stale": "Not up to date since {time}",
    "offline": "Offline since {time}",
    "loggedOut": "You are logged out. Load the page again.",
    "refused": "Not available. Load the page again.",
    "all": "All",
    "unread": "Unread",
    "archived": "Archived",
    "markAllRead": "Mark all as read",
    "markRead": "Mark as read",
    "markUnread": "Mark as unread",
    "archive": "Archive",
    "unarchive": "Move back",
    "more": "Show more",
    "loading": "Loading",
    "empty": "Nothing here",
    "failed": "The notifications could not be loaded.",
    "notSaved": "That could not be saved.",
    "retry": "Try again",
    "close": "Close",
    "arrived": "New notification: {title}",
    "arrivedMany": "{count} new notifications",
}


def translated() -> dict[str, str]:
    """Return the labels in the active language, without those that the element has by itself."""
    found = {name: pgettext(CONTEXT, text) for name, text in LABELS.items()}
    return {name: text for name, text in found.items() if text != LABELS[name]}
