"""What one mailbox makes of a message: seen, read, archived; a group of several."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tandem.inbox.models.mailboxes import Mailbox
from tandem.inbox.models.messages import Message


class Notification(models.Model):
    """
    A message in a mailbox; for a group, its latest message, and `count` of them.

    `place` is the mailbox's version at which it arrived: the list's order, and no two have the same. `version` is that
    of its last change.
    """

    class Box(models.IntegerChoices):
        """Where it lies. What is gone was retracted or has expired; a row that never was shown is hidden."""

        INBOX = 0
        ARCHIVE = 1
        GONE = 2

    mailbox_id: int
    mailbox: models.ForeignKey[Mailbox, Mailbox] = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="notifications"
    )
    message_id: int
    message: models.ForeignKey[Message, Message] = models.ForeignKey(
        Message, on_delete=models.CASCADE, db_index=False, related_name="notifications"
    )
    category: models.CharField[str, str] = models.CharField(max_length=50, default="", blank=True)
    thread: models.CharField[str, str] = models.CharField(max_length=255, default="", blank=True)
    count: models.IntegerField[int, int] = models.IntegerField(default=1)
    box: models.SmallIntegerField[int, int] = models.SmallIntegerField(choices=Box.choices, default=Box.INBOX)
    place: models.BigIntegerField[int, int] = models.BigIntegerField()
    version: models.BigIntegerField[int, int] = models.BigIntegerField()
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now)
    arrived_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now)
    seen_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)
    read_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)
    expires_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "mailbox"], name="tandem_inbox_once")]
        indexes = [
            models.Index(fields=["mailbox", "box", "-place"], name="tandem_inbox_list"),
            models.Index(fields=["mailbox", "box", "category", "-place"], name="tandem_inbox_category"),
            models.Index(fields=["mailbox", "-place"], condition=Q(box=0, seen_at=None), name="tandem_inbox_unseen"),
            models.Index(fields=["mailbox", "-place"], condition=Q(box=0, read_at=None), name="tandem_inbox_unread"),
            models.Index(fields=["mailbox", "thread"], condition=~Q(thread=""), name="tandem_inbox_thread"),
            models.Index(
                fields=["expires_at"], condition=Q(box__lt=2, expires_at__isnull=False), name="tandem_inbox_expiry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message} for {self.mailbox}"


class Member(models.Model):
    """One message of a group. It counts once, also when the group that had it is closed."""

    notification_id: int
    notification: models.ForeignKey[Notification, Notification] = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="members"
    )
    mailbox: models.ForeignKey[Any, Any] = models.ForeignKey(
        Mailbox, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )  # goes with the notification
    message_id: int
    message: models.ForeignKey[Message, Message] = models.ForeignKey(
        Message, on_delete=models.CASCADE, db_index=False, related_name="members"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "mailbox"], name="tandem_inbox_member_once")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.notification_id}"
