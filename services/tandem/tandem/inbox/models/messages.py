"""What is said, once, to however many."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from tandem.inbox.models.mailboxes import TENANT_LENGTH


class Message(models.Model):
    """
    The content of a notification: what happened, to what, by whom.

    Title and body are those of the kind's templates unless they are given here.
    """

    class Severity(models.TextChoices):
        """How much it matters."""

        INFO = "info"
        SUCCESS = "success"
        WARNING = "warning"
        ERROR = "error"

    tenant: models.CharField[str, str] = models.CharField(max_length=TENANT_LENGTH, default="", blank=True)
    kind: models.CharField[str, str] = models.CharField(max_length=100)
    category: models.CharField[str, str] = models.CharField(max_length=50, default="", blank=True)
    severity: models.CharField[str, str] = models.CharField(
        max_length=10, choices=Severity.choices, default=Severity.INFO
    )
    actor: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    actor_name: models.CharField[str, str] = models.CharField(max_length=255, default="", blank=True)
    target_type: models.ForeignKey[Any, Any] = models.ForeignKey(
        ContentType, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    target_id: models.CharField[str, str] = models.CharField(max_length=255, default="", blank=True)
    target_name: models.CharField[str, str] = models.CharField(max_length=255, default="", blank=True)
    target = GenericForeignKey("target_type", "target_id")
    title: models.CharField[str, str] = models.CharField(max_length=255, default="", blank=True)
    body: models.TextField[str, str] = models.TextField(default="", blank=True)
    url: models.CharField[str, str] = models.CharField(max_length=2000, default="", blank=True)
    data: models.JSONField[Any, Any] = models.JSONField(null=True, blank=True)
    thread: models.CharField[str, str] = models.CharField(max_length=255, default="", blank=True)
    idempotency_key: models.CharField[str | None, str | None] = models.CharField(max_length=255, null=True, blank=True)
    is_for_everyone: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(default=timezone.now)
    expires_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)
    retracted_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "idempotency_key"], name="tandem_inbox_message_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="tandem_inbox_message_age")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
