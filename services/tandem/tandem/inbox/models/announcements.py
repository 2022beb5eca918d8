"""What is said to everyone of a tenant: one row, and rows only for what somebody read or archived by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tandem.inbox.models.mailboxes import TENANT_LENGTH, Mailbox
from tandem.inbox.models.messages import Message


class Board(models.Model):
    """
    A tenant's announcements: `version` counts the changes, `live` has the numbers of those that are there.

    `kinds` are theirs, in the same order: by them everybody's counts leave out what he muted. One row, so that whoever
    reads it gets all of one moment.
    """

    tenant: models.CharField[str, str] = models.CharField(max_length=TENANT_LENGTH, default="", blank=True, unique=True)
    version: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    announcements: Any
    live: models.JSONField[Any, Any] = models.JSONField(default=list)
    kinds: models.JSONField[Any, Any] = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.tenant or "everyone"

    @property
    def live_kinds(self) -> dict[int, str]:
        """The kinds of those that are there, by their numbers."""
        return dict(zip(self.live, self.kinds, strict=True))


class Announcement(models.Model):
    """A message on a board. Its number is the board's version at which it was put up."""

    board: models.ForeignKey[Board, Board] = models.ForeignKey(
        Board, on_delete=models.CASCADE, db_index=False, related_name="announcements"
    )
    message: models.OneToOneField[Message, Message] = models.OneToOneField(
        Message, on_delete=models.CASCADE, related_name="announcement"
    )
    number: models.BigIntegerField[int, int] = models.BigIntegerField()
    version: models.BigIntegerField[int, int] = models.BigIntegerField()
    is_gone: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now)
    expires_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["board", "number"], name="tandem_inbox_announcement_no")]
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(is_gone=False, expires_at__isnull=False),
                name="tandem_inbox_board_expiry",
            )
        ]

    def __str__(self) -> str:
        return f"{self.message} as number {self.number}"


class AnnouncementMark(models.Model):
    """What one mailbox made of one announcement, where that is more than having seen it."""

    mailbox: models.ForeignKey[Mailbox, Mailbox] = models.ForeignKey(
        Mailbox, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="marks"
    )
    announcement: models.ForeignKey[Announcement, Announcement] = models.ForeignKey(
        Announcement, on_delete=models.CASCADE, related_name="marks"
    )
    is_read: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    is_archived: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    version: models.BigIntegerField[int, int] = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "announcement"], name="tandem_inbox_mark")]

    def __str__(self) -> str:
        return f"{self.announcement} for {self.mailbox}"
