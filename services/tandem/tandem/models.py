"""The outbox: publications that were committed and not yet sent."""

from __future__ import annotations

from datetime import datetime

from django.db import models


class OutboxEntry(models.Model):
    """A publication written in the transaction that it tells of. It goes when Redis has it."""

    channel: models.CharField[str, str] = models.CharField(max_length=255)
    data: models.TextField[str, str] = models.TextField(help_text="JSON")
    tags: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)
    request_id: models.CharField[str, str] = models.CharField(max_length=128, default="")
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["channel", "id"], name="tandem_outbox_order")]
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return f"{self.pk} to {self.channel}"


class Generation(models.Model):
    """How often something of a user was revoked. Tokens carry the number, so that it is known which came before."""

    user: models.CharField[str, str] = models.CharField(max_length=255, unique=True)
    number: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.user} at {self.number}"


class Revocation(models.Model):
    """Something that tokens say and that holds no more: a user up to a generation, a login, a token, a channel."""

    subject: models.CharField[str, str] = models.CharField(max_length=640, unique=True)
    generation: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    seconds: models.PositiveIntegerField[int, int] = models.PositiveIntegerField(help_text="how long it is kept")
    ended_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(help_text="by the database's clock")
    is_told: models.BooleanField[bool, bool] = models.BooleanField(default=False, db_index=True)

    def __str__(self) -> str:
        return f"{self.subject} below {self.generation}"
