"""Look whether there is a pause, for those who publish directly and ask no database otherwise."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections, router

from tandem import conf
from tandem.memory import is_memory
from tandem.models import OutboxEntry, Pause
from tandem.repeats import Repeats

logger = logging.getLogger("tandem.outbox")

LOOK_SECONDS = 1.0
WAIT_SECONDS = 0.25
"""So long is waited for the database; then what was seen last still holds."""


class Watch:
    """
    What this process knows of the pause: as of a second ago at most, while the database answers.

    A thread of its own looks, over a connection of its own: who publishes may be in a transaction, which would show a
    moment that is past, or in async code, which may not ask.
    """

    def __init__(self, repeats: Repeats) -> None:
        self._since: datetime | None = None
        self._looked_at = -LOOK_SECONDS
        self._lock = threading.Lock()
        self._repeats = repeats
        self._is_migrated = False

    def paused_since(self) -> datetime | None:
        """Return since when publishing is paused. In a process that has no Redis, nothing pauses."""
        if time.monotonic() - self._looked_at >= LOOK_SECONDS and not all(map(is_memory, conf.redis_urls())):
            self._refresh()
        return self._since

    def take(self, since: datetime | None) -> None:
        """Know it from who has just written it."""
        self._since, self._looked_at = since, time.monotonic()

    def _refresh(self) -> None:
        if not self._lock.acquire(timeout=WAIT_SECONDS):
            return
        try:
            if time.monotonic() - self._looked_at < LOOK_SECONDS:
                return  # this answer is somebody else's
            looking = threading.Thread(target=self._look, name="tandem-pause", daemon=True)
            looking.start()
            looking.join(WAIT_SECONDS)
            self._looked_at = time.monotonic()
        finally:
            self._lock.release()

    def _look(self) -> None:
        alias = router.db_for_write(OutboxEntry)
        # A process without a database, as realtime is; pytest-django, in a test that may ask none.
        with contextlib.suppress(ImproperlyConfigured, RuntimeError):
            try:
                if self._has_table(alias):
                    self._since = Pause.objects.using(alias).values_list("since", flat=True).first()
            except DatabaseError as error:  # who publishes directly needs Redis, and no database
                self._repeats.warning("outbox.pause_unknown", type(error).__name__, reason=str(error))
            finally:
                connections[alias].close()

    def _has_table(self, alias: str) -> bool:
        """Tell whether there is a table: a project that has not migrated has no outbox either, and nothing pauses."""
        if not self._is_migrated:
            self._is_migrated = Pause._meta.db_table in connections[alias].introspection.table_names()
        return self._is_migrated


watch = Watch(Repeats(logger))
