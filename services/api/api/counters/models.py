"""The row behind a counter. Change it through `actions` only: nothing else publishes."""

from __future__ import annotations

from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now

NAME_PATTERN = r"[a-z0-9_-]{1,64}"


class Counter(models.Model):
    """
    A number with a name.

    `version` goes up by one with each change. Two requests may commit in one order and publish in the other; readers
    keep the highest version and so never step back.
    """

    name: models.CharField[str, str] = models.CharField(
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"^{NAME_PATTERN}\Z", "Use a-z, 0-9, - and _ only, at most 64 of them.")],
    )
    value: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    version: models.PositiveBigIntegerField[int, int] = models.PositiveBigIntegerField(default=0, editable=False)
    changed_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
