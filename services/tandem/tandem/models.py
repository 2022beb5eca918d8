"""The outbox: publications that were committed and not yet sent. What was revoked, what triggers noticed; the pause."""

from __future__ import annotations

import binascii
import json
import os
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.functions import Now


def make_key() -> str:
    """Return an idempotency key that no other row has, in no other project that publishes to the same Redis."""
    return binascii.b2a_base64(os.urandom(12), newline=False).decode()


class OutboxEntry(models.Model):
    """
    A publication written in the transaction that it tells of. It goes when Redis has it.

    One that is itself at fault is set aside, with the reason, until somebody retries or drops it.
    """

    class State(models.TextChoices):
        """What becomes of the row."""

        WAITING = "waiting"
        SET_ASIDE = "set_aside", "set aside"

    channel: models.CharField[str, str] = models.CharField(max_length=255)
    data: models.TextField[str, str] = models.TextField(help_text="JSON")
    tags: models.JSONField[dict[str, str], dict[str, str]] = models.JSONField(default=dict)
    request_id: models.CharField[str, str] = models.CharField(max_length=128, default="")
    # The columns below have defaults in the database: code of the release before inserts rows without them.
    key: models.CharField[str, str] = models.CharField(max_length=32, default=make_key, db_default="", editable=False)
    state: models.CharField[str, str] = models.CharField(
        max_length=10, choices=State.choices, default=State.WAITING, db_default="waiting"
    )
    reason: models.TextField[str, str] = models.TextField(default="", db_default="", blank=True)
    set_aside_at: models.DateTimeField[datetime | None, datetime | None] = models.DateTimeField(null=True, blank=True)
    # The database's clock, and no other: the worker's may differ.
    created_at: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        indexes = [models.Index(fields=["channel", "id"], name="tandem_outbox_order")]
        verbose_name_plural = "outbox entries"

    def __str__(self) -> str:
        return f"{self.pk} to {self.channel}"


class Pause(models.Model):
    """Nothing is sent from this database, and nobody publishes directly, while there is this row."""

    id: models.PositiveSmallIntegerField[int, int] = models.PositiveSmallIntegerField(primary_key=True, default=1)
    since: models.DateTimeField[datetime, datetime] = models.DateTimeField(db_default=Now(), help_text="its own clock")

    def __str__(self) -> str:
        return f"paused since {self.since:%Y-%m-%d %H:%M:%S %Z}"


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


class ExactDecoder(json.JSONDecoder):
    """Reads JSON as PostgreSQL writes it: its numbers have more digits than a float."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "parse_float": Decimal})


class RowChange(models.Model):
    """What a trigger wrote down of a changed row; the worker makes publications of it."""

    table: models.CharField[str, str] = models.CharField(max_length=63)
    key: models.JSONField[Any, Any] = models.JSONField(decoder=ExactDecoder)
    old: models.JSONField[Any, Any] = models.JSONField(null=True, decoder=ExactDecoder)

    def __str__(self) -> str:
        return f"{self.key} of {self.table}"
