"""
Publish what a transaction commits: never what was rolled back, never twice, and not lost when the process dies.

The row is written in the transaction, sent right after the commit, and deleted when Redis has it. What is left over
(the process died, Redis was away) the worker sends: ``manage.py outbox``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from tandem import conf
from tandem.errors import RedisUnavailable, TandemError
from tandem.models import OutboxEntry
from tandem.publication import encode_json
from tandem.publisher import Draft, publish_many

logger = logging.getLogger(__name__)

BATCH = 100


def publish_on_commit(
    channel: str, data: Any, *, tags: Mapping[str, str] | None = None, request_id: str = "", using: str | None = None
) -> None:
    """
    Publish *data* to *channel* when the current transaction commits; at once outside of one.

    Never raises for Redis: what cannot be sent now stays in the outbox for the worker. Raises `InvalidChannel`,
    `UnknownNamespace`, or `ValueError` for what is not JSON, before anything is committed.
    """
    conf.namespaces().of(channel)
    text = encode_json(data).decode()
    with transaction.atomic(using=using):
        entry = OutboxEntry.objects.using(using).create(
            channel=channel, data=text, tags=dict(tags or {}), request_id=request_id
        )
        transaction.on_commit(partial(_send_up_to, entry.pk, channel, using), using=using)


def send_left_over(*, older_than: timedelta = timedelta(seconds=1), using: str | None = None) -> int:
    """
    Send what nobody sent within *older_than*, oldest first, and return how many rows went.

    Raises `RedisUnavailable`.
    """
    due = OutboxEntry.objects.using(using).filter(created_at__lte=timezone.now() - older_than)
    return _send(due.order_by("pk")[:BATCH])


def _send_up_to(pk: int, channel: str, using: str | None) -> None:
    # Rows before ours are left over or about to be sent by their own request. Sending them too keeps the channel in the
    # order of the rows; the idempotency key keeps it to once.
    waiting = OutboxEntry.objects.using(using).filter(channel=channel, pk__lte=pk).order_by("pk")
    try:
        while _send(waiting[:BATCH]) == BATCH:
            pass
    except RedisUnavailable as error:
        logger.warning("outbox.waiting", extra={"channel": channel, "reason": str(error)})


def _send(entries: Iterable[OutboxEntry]) -> int:
    rows = list(entries)
    drafts = [
        Draft(row.channel, msgspec.Raw(row.data.encode()), f"outbox:{row.pk}", row.tags, request_id=row.request_id)
        for row in rows
    ]
    sent = []
    for row, outcome in zip(rows, publish_many(drafts), strict=True):
        if isinstance(outcome, TandemError):
            logger.error("outbox.refused", extra={"channel": row.channel, "reason": str(outcome)})
        else:
            sent.append(row.pk)
    if sent:
        OutboxEntry.objects.using(rows[0]._state.db).filter(pk__in=sent).delete()
    return len(sent)
