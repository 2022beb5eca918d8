"""One row for each user and tenant: the version of his inbox and its counts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models

TENANT_LENGTH = 64


class Mailbox(models.Model):
    """
    A user's inbox in a tenant.

    Whatever changes in it changes this row in the same transaction, which locks it first: `version` counts the changes,
    and the counts are those of that version. No constraint ties it to the user: a user who is deleted while somebody
    notifies him must make neither transaction fail. `tandem prune` takes what is left of him.
    """

    recipient_id: Any
    recipient: models.ForeignKey[Any, Any] = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    tenant: models.CharField[str, str] = models.CharField(max_length=TENANT_LENGTH, default="", blank=True)
    version: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    unseen: models.IntegerField[int, int] = models.IntegerField(default=0)
    unread: models.IntegerField[int, int] = models.IntegerField(default=0)
    # Of announcements, by their numbers on the tenant's board.
    begins_after: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    seen_up_to: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)
    read_up_to: models.BigIntegerField[int, int] = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "mailboxes"
        constraints = [models.UniqueConstraint(fields=["recipient", "tenant"], name="tandem_inbox_mailbox_once")]

    def __str__(self) -> str:
        return f"{self.recipient_id} in {self.tenant}" if self.tenant else str(self.recipient_id)
