"""What becomes of rows once Redis was asked: deleted, set aside, or kept and told of."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Sequence

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now

from tandem.errors import TandemError
from tandem.models import OutboxEntry
from tandem.outbox import rows
from tandem.outbox.rows import Row
from tandem.outbox.sending import Sent, calls_of
from tandem.repeats import Repeats
from tandem.shards import shards

logger = logging.getLogger("tandem.outbox")

_FORGET_SECONDS = 1.0
_repeats = Repeats(logger)


def settle(using: str, sent: Sent) -> None:
    """Delete what Redis took, set aside what is at fault, and log what was stopped."""
    rows.delete(connections[using], [row.pk for row in sent.taken])
    if sent.taken:
        transaction.on_commit(lambda: _forgotten.add(sent.taken), using=using)
    _keep(using, sent)


def settle_committed(connection: BaseDatabaseWrapper, sent: Sent) -> None:
    """Do what `settle` does after a commit, when a deletion is one by itself."""
    rows.delete(connection, [row.pk for row in sent.taken])
    if sent.taken:
        _forgotten.add(sent.taken)
    if sent.at_fault or sent.stopped:
        _keep(connection.alias, sent)


def _keep(using: str, sent: Sent) -> None:
    for row, reason in sent.at_fault:
        _set_aside(using, row, reason)
    for channel, error in sent.stopped.items():
        tell_waiting(channel, str(error))


def tell_waiting(channel: str, reason: str) -> None:
    """Log that rows of *channel* wait: the first for a reason at once, then how many there were."""
    _repeats.warning("outbox.waiting", reason.partition(" ")[0], channel=channel, reason=reason)


def _set_aside(using: str, row: Row, reason: str) -> None:
    waiting = OutboxEntry.objects.using(using).filter(pk=row.pk, state=OutboxEntry.State.WAITING)
    if waiting.update(state=OutboxEntry.State.SET_ASIDE, reason=reason, set_aside_at=Now()):
        _repeats.error("outbox.set_aside", reason.partition(" ")[0], channel=row.channel, entry=row.pk, reason=reason)


class Forgetting:
    """
    Idempotency keys whose rows are gone: let go in Redis, all of a second together, by a thread of its own.

    They last five minutes more, for what may still be on its way there: a sender that stood still, bytes that waited
    out a partition. A process that dies before leaves some to their week.
    """

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin with none: a fork has no threads but the one that forked."""
        self._lock = threading.Lock()
        self._rows: list[Row] = []

    def add(self, sent: Sequence[Row]) -> None:
        """Let the keys of *sent* go."""
        with self._lock:
            if not self._rows:
                threading.Thread(target=self._run, name="tandem-outbox-keys", daemon=True).start()
            self._rows += sent

    def _run(self) -> None:
        time.sleep(_FORGET_SECONDS)
        with self._lock:
            sent, self._rows = self._rows, []
        with contextlib.suppress(TandemError):  # away: the keys end by themselves
            store = shards()
            store.run_each([(store.of(channel), call) for channel, call in calls_of(sent)])


_forgotten = Forgetting()
if hasattr(os, "register_at_fork"):  # not on Windows, which has no forks
    os.register_at_fork(after_in_child=_forgotten.begin)
