"""Pause what is sent, and go on: a row in each database with an outbox, read by the statements that read the outbox."""

from __future__ import annotations

from datetime import datetime

from django.db import connections, router

from tandem.models import OutboxEntry, Pause, Revocation
from tandem.outbox.sweep import databases
from tandem.outbox.watch import watch

SETTLE_SECONDS = 7.0
"""What was read before the pause is sent by then: the worker waits 5 s for Redis, who publishes looks once a second."""


def pause() -> datetime:
    """
    Pause, and return since when that is so: now, or when somebody did before.

    What is under way takes up to `SETTLE_SECONDS` more. Raises `OperationalError` for a database that does not answer.
    """
    for alias in _reachable():
        Pause.objects.using(alias).get_or_create(pk=1)
    since = Pause.objects.using(_home()).get().since
    watch.take(since)
    return since


def resume() -> datetime | None:
    """
    Let everything go, and return since when it waited; None where it did not.

    What was revoked meanwhile is told anew: sockets that were at the new Redis by then did not hear of it.
    """
    since = paused_since()
    aliases = _reachable()
    if since is not None:
        Revocation.objects.using(router.db_for_write(Revocation)).filter(ended_at__gte=since).update(is_told=False)
    for alias in aliases:
        Pause.objects.using(alias).all().delete()
    watch.take(None)
    return since


def paused_since() -> datetime | None:
    """Return since when the outbox is paused, by its own database."""
    return Pause.objects.using(_home()).values_list("since", flat=True).first()


def _home() -> str:
    return router.db_for_write(OutboxEntry)


def _reachable() -> list[str]:
    """Return the databases with an outbox. One that is away would go on as before when it is back: it is refused."""
    for alias in connections:
        if router.allow_migrate_model(alias, OutboxEntry):
            connections[alias].ensure_connection()
    return databases()
