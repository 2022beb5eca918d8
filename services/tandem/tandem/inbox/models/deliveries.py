"""What goes elsewhere than into the inbox: due when, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from tandem.inbox.models.mailboxes import Mailbox
from tandem.inbox.models.messages import Message
from tandem.inbox.models.notifications import Notification


class Delivery(models.Model):
    """
    One message to one user by one medium; the log of it too.

    `name` is the same at every attempt: an email's Message-ID. Times are the database's.
    """

    class State(models.TextChoices):
        """What became of it. Skipped: seen before it was due, or no longer wanted."""

        WAITING = "waiting"
        SENT = "sent"
        SKIPPED = "skipped"
        FAILED = "failed"

    mailbox: models.ForeignKey[Mailbox, Mailbox] = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, related_name="deliveries"
    )
    message_id: int
    message: models.ForeignKey[Message, Message] = models.ForeignKey(
        Message, on_delete=models.CASCADE, db_index=False, related_name="deliveries"
    )
    notification: models.ForeignKey[Any, Any] = models.ForeignKey(
        Notification, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="deliveries"
    )
    medium: models.CharField[str, str] = models.CharField(max_length=32)
    name: models.CharField[str, str] = models.CharField(max_length=100)
    state: models.CharField[str, str] = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    due_at: models.DateTimeField[datetime, datetime] = models.DateTimeField()
    attempts: models.IntegerField[int, int] = models.IntegerField(default=0)
    reason: models.TextField[str, str] = models.TextField(default="", blank=True)
    settled_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["message", "mailbox", "medium"], name="tandem_inbox_delivery_once")
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="waiting"), name="tandem_inbox_due")]

    def __str__(self) -> str:
        return f"{self.message_id} by {self.medium}: {self.state}"
