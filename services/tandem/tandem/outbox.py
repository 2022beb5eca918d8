"""
Publish what a transaction commits: never what was rolled back, never twice, and not lost when the process dies.

The row is written in the transaction, sent right after the commit, and deleted when Redis has it. What is left over
(the process died, Redis was away) the worker sends: ``manage.py outbox``. A row is sent at most once as long as Redis
knows its idempotency key: for five minutes after a process died between sending it and deleting it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from tandem import conf, tracing
from tandem.errors import RedisReplyError, RedisUnavailable, TandemError
from tandem.models import OutboxEntry
from tandem.publication import encode_json
from tandem.publisher import Draft, publish_many
from tandem.shards import shards

logger = logging.getLogger(__name__)

BATCH = 100

_refused: set[int] = set()


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
            channel=channel, data=text, tags=dict(tags or {}), request_id=tracing.carry(request_id)
        )
        # Robust: whatever goes wrong, the row is committed and the worker will send it.
        transaction.on_commit(lambda: _send_up_to(entry.pk, channel, using), using=using, robust=True)


def send_left_over(*, older_than: timedelta = timedelta(seconds=1), using: str | None = None) -> int:
    """
    Send what nobody sent within *older_than*, oldest first, and return how many rows went.

    What Redis refuses, or has no namespace any more, stays, is logged, and holds up nothing else. Raises
    `RedisUnavailable` when a shard does not answer; what the others took has gone.
    """
    due = OutboxEntry.objects.using(using).filter(created_at__lte=timezone.now() - older_than).order_by("pk")
    sent, last = 0, 0
    while rows := list(due.filter(pk__gt=last)[:BATCH]):
        sent += _send(rows)
        last = rows[-1].pk
    return sent


def _send_up_to(pk: int, channel: str, using: str | None) -> None:
    # Rows before ours are left over or about to be sent by their own request. Sending them too keeps the channel in the
    # order of the rows; the idempotency key keeps it to once.
    waiting = OutboxEntry.objects.using(using).filter(channel=channel, pk__lte=pk).order_by("pk")
    try:
        while _send(list(waiting[:BATCH])) == BATCH:
            pass
    except RedisUnavailable as error:
        logger.warning("outbox.waiting", extra={"channel": channel, "reason": str(error)})


def _send(rows: Sequence[OutboxEntry]) -> int:
    """Send *rows* by shard: what one shard took is deleted whatever becomes of the others, so it never goes twice."""
    by_shard: dict[int, list[OutboxEntry]] = {}
    store = shards()
    for row in rows:
        by_shard.setdefault(store.of(row.channel), []).append(row)
    sent, failure = 0, None
    for part in by_shard.values():
        try:
            sent += _send_to_shard(part)
        except RedisUnavailable as error:
            failure = error
    if failure is not None:
        raise failure
    return sent


def _send_to_shard(rows: Sequence[OutboxEntry]) -> int:
    sendable = [row for row in rows if _is_declared(row)]
    if not sendable:
        return 0
    try:
        outcomes = publish_many([_draft(row) for row in sendable])
    except RedisReplyError as error:
        outcomes = [error] * len(sendable)
    for row, outcome in zip(sendable, outcomes, strict=True):
        if isinstance(outcome, TandemError):
            _log_refusal(row, outcome)
    sent = [row.pk for row, outcome in zip(sendable, outcomes, strict=True) if not isinstance(outcome, TandemError)]
    OutboxEntry.objects.using(rows[0]._state.db).filter(pk__in=sent).delete()
    return len(sent)


def _draft(row: OutboxEntry) -> Draft:
    # Other projects may publish to the same channel, and count their rows from 1 too: the time tells them apart.
    key = f"outbox:{row.pk}:{row.created_at.timestamp():.6f}"
    return Draft(row.channel, msgspec.Raw(row.data.encode()), key, row.tags, request_id=row.request_id)


def _is_declared(row: OutboxEntry) -> bool:
    try:
        conf.namespaces().of(row.channel)
    except TandemError as error:
        _log_refusal(row, error)
        return False
    return True


def _log_refusal(row: OutboxEntry, error: TandemError) -> None:
    if row.pk in _refused:  # told once, not twice a second
        return
    if len(_refused) == BATCH:
        _refused.clear()
    _refused.add(row.pk)
    logger.error("outbox.refused", extra={"channel": row.channel, "entry": row.pk, "reason": str(error)})
