"""What a user wants to hear of, and how."""

from __future__ import annotations

from django.db import models

from tandem.inbox.models.mailboxes import Mailbox


class Preference(models.Model):
    """Whether a kind comes by a medium, where that is not as the kind says."""

    mailbox: models.ForeignKey[Mailbox, Mailbox] = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="preferences"
    )
    kind: models.CharField[str, str] = models.CharField(max_length=100)
    medium: models.CharField[str, str] = models.CharField(max_length=32)
    is_on: models.BooleanField[bool, bool] = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "kind", "medium"], name="tandem_inbox_preference_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.medium}: {'on' if self.is_on else 'off'}"


class Mute(models.Model):
    """A thread that a user wants to hear no more of."""

    mailbox: models.ForeignKey[Mailbox, Mailbox] = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="mutes"
    )
    thread: models.CharField[str, str] = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "thread"], name="tandem_inbox_mute_once")]

    def __str__(self) -> str:
        return self.thread
