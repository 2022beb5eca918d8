"""Told after the commit, once for each message and transaction: for a project's own logic, not for ours."""

from __future__ import annotations

from django.dispatch import Signal

notified = Signal()
"""``message`` and ``recipients`` (primary keys): it is in their inboxes. For many, once for each batch."""
announced = Signal()
"""``message``: everyone of its tenant has it."""
retracted = Signal()
"""``message``: nobody has it any more."""
