"""What the inbox has for the workers: messages to many, what is due elsewhere, what has expired."""

from __future__ import annotations

from django.db import transaction

from tandem.inbox.boxes.mailboxes import home
from tandem.inbox.elsewhere import dispatching
from tandem.inbox.keeping import removing
from tandem.inbox.sending import bulk


def bring_to_many() -> bool:
    """Bring each message that is on its way a batch further, and tell whether there is more."""
    return bulk.work() > 0


def send_elsewhere() -> bool:
    """Send emails and the like that are due, and tell whether there may be more."""
    return dispatching.send_due()


def expire() -> bool:
    """Take out what has expired, and tell whether there may be more."""
    with transaction.atomic(using=home()):
        removing.remove_expired_announcements()
    with transaction.atomic(using=home()):
        return removing.remove_expired() > 0


CHORES = (bring_to_many, send_elsewhere, expire)
