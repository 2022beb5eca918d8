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
