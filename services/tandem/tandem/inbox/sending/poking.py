"""Have the workers look, once this commits."""

from __future__ import annotations

from django.db import transaction

from tandem.inbox.boxes.mailboxes import home
from tandem.poke import poke_workers


def poke_at_commit() -> None:
    """Have the workers look when the current transaction commits; they look by themselves before long."""
    transaction.on_commit(poke_workers, using=home(), robust=True)
