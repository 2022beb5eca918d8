"""An order. Whoever saves or deletes one tells the desk, in the transaction that does it."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now

import tandem

CHANNEL = "public:orders"


@tandem.broadcasts(to=lambda order: [CHANNEL])
class Order(models.Model):
    """Something that somebody wants, and whether it has shipped."""

    what: models.CharField[str, str] = models.CharField(max_length=60)
    owner: models.ForeignKey[AbstractUser | None, AbstractUser | None] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False
    )
    has_shipped: models.BooleanField[bool, bool] = models.BooleanField(default=False)
    placed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"#{self.pk} {self.what}"
