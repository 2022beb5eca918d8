"""A notification as it begins."""

from __future__ import annotations

from tandem.inbox.models import Mailbox, Message, Notification


def make(message: Message, box: Mailbox) -> Notification:
    """Return a notification of *message* in *box*, at its version; not saved."""
    return Notification(
        mailbox=box,
        message=message,
        category=message.category,
        thread=message.thread,
        place=box.version,
        version=box.version,
        expires_at=message.expires_at,
    )
