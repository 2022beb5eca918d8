"""A message to many: who gets it is fixed in the transaction that sends it, and the worker brings it to them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

from tandem.inbox.models.messages import Message


class Bulk(models.Model):
    """
    Something that is to reach many inboxes. The worker that does a batch of it holds this row; it goes with the last.

    An edit and a retraction go through the mailboxes in the order of their ids: `after` is the last that was done.
    """

    class Task(models.TextChoices):
        """What is done with the message."""

        DELIVER = "deliver"
        EDIT = "edit"
        RETRACT = "retract"

    message_id: int
    message: models.ForeignKey[Message, Message] = models.ForeignKey(
        Message, on_delete=models.CASCADE, db_index=False, related_name="bulks"
    )
    task: models.CharField[str, str] = models.CharField(max_length=10, choices=Task.choices, default=Task.DELIVER)
    after: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "bulks"
        constraints = [models.UniqueConstraint(fields=["message", "task"], name="tandem_inbox_bulk_task")]

    def __str__(self) -> str:
        return f"{self.task} {self.message}"


class BulkRecipient(models.Model):
    """Somebody who is still to get a message. The row goes in the transaction that brings it."""

    message_id: int
    message: models.ForeignKey[Message, Message] = models.ForeignKey(
        Message, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    recipient_id: Any
    recipient: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "recipient"], name="tandem_inbox_bulk_once")]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.recipient_id}"
