"""The worker: look for what is left over, twice a second and when told to; a thread for each shard sends it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import redis
from django.db import Error, close_old_connections, connections

from tandem import conf
from tandem.chores import Chore
from tandem.errors import TandemError
from tandem.groups import name_for
from tandem.memory import is_memory
from tandem.outbox.pausing import paused_since
from tandem.outbox.sweep import databases, due_channels, send_channels
from tandem.pause import tell_paused
from tandem.poke import CHANNEL, poke_shard
from tandem.repeats import Repeats
from tandem.shards import open_shards, shards

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5.0
"""How long Redis may take to answer: nobody waits for the worker."""
ROUND_SECONDS = 60.0
"""A worker that did not get round in that time hangs."""
TASK_SECONDS = 600.0
"""And so does one that sends for so long: some millions of rows take less."""
MAX_THREADS = 16
"""In a cluster there are more buckets than that."""
CHORE_SECONDS = 60.0
"""A chore that has more to do goes on for so long; the next time round it begins anew."""
KEEP_SECONDS = 10.0
"""So long a connection to the database lasts, at least; not longer: its name may lead to another server by then."""
_OLDER_THAN = timedelta(seconds=1)


class Worker:
    """
    Send what nobody sent, until told to stop. Any number of workers may run at once.

    A shard that is away keeps its thread waiting, and nobody else's rows. *chores* are done each time round, each in a
    thread of its own, and again at once while they say that there is more. One that is poked by somebody else, through
    `poke`, need not hear Redis by itself.
    """

    def __init__(self, *, interval: float = 0.5, chores: Sequence[Chore] = (), hears_pokes: bool = True) -> None:
        urls = conf.redis_urls()
        self._store = shards() if all(map(is_memory, urls)) else open_shards(urls, timeout=TIMEOUT_SECONDS)
        self._interval = interval
        self._chores = chores
        self._threads = ThreadPoolExecutor(
            min(self._store.count, MAX_THREADS) + len(chores),
            thread_name_prefix="tandem-outbox",
            initializer=_keep_connections,
        )
        self._running: dict[int, tuple[float, Future[None]]] = {}
        self._poked = threading.Event()
        self._stopped = threading.Event()
        self._round_at = time.monotonic()
        self._hears_pokes = hears_pokes and not all(map(is_memory, urls))
        self._repeats = Repeats(logger)

    def run(self) -> None:
        """Work until `stop`."""
        _keep_connections()
        if self._hears_pokes:
            threading.Thread(target=self._listen, name="tandem-outbox-poke", daemon=True).start()
        while not self._stopped.is_set():
            self._go_round()
            self._poked.wait(self._interval)
            self._poked.clear()
        self._threads.shutdown(cancel_futures=True)

    def stop(self, *_: object) -> None:
        """Stop after what is under way. May be called by a signal."""
        self._stopped.set()
        self._poked.set()

    def poke(self) -> None:
        """Look now. May be called by any thread."""
        self._poked.set()

    def is_alive(self) -> bool:
        """Tell whether the worker gets round, and every thread of it, whether Redis and SQL are there or not."""
        now = time.monotonic()
        is_stuck = any(now - started > TASK_SECONDS for started, task in self._running.values() if not task.done())
        return now - self._round_at < ROUND_SECONDS and not is_stuck

    def _go_round(self) -> None:
        for number, chore in enumerate(self._chores):
            self._start(-1 - number, lambda chore=chore: self._do(chore))  # type: ignore[misc]  # a default, not an argument
        by_shard: dict[int, list[tuple[str, list[str]]]] = {}
        try:
            close_old_connections()
            if since := paused_since():
                self._repeats.warning("outbox.paused", "", reason=tell_paused(since))
            for alias in databases():
                for shard, channels in due_channels(alias, _OLDER_THAN, self._store).items():
                    by_shard.setdefault(shard, []).append((alias, channels))
        except Error as error:
            self._repeats.warning("outbox.no_database", type(error).__name__, reason=str(error))
        for shard, due in by_shard.items():
            if not self._store.is_away(shard):
                self._start(shard, lambda due=due: self._send(due))  # type: ignore[misc]  # a default, not an argument
        self._round_at = time.monotonic()

    def _start(self, place: int, task: Callable[[], None]) -> None:
        """Run *task* in a thread, unless the last of its *place* is still under way."""
        if place not in self._running or self._running[place][1].done():
            self._running[place] = time.monotonic(), self._threads.submit(task)

    def _send(self, due: Sequence[tuple[str, list[str]]]) -> None:
        for alias, channels in due:
            self._guarded("outbox.waiting", lambda a=alias, c=channels: send_channels(a, c, self._store))  # type: ignore[misc]  # as above

    def _do(self, chore: Chore) -> None:
        until = time.monotonic() + CHORE_SECONDS
        while self._guarded("worker.chore", chore) and time.monotonic() < until and not self._stopped.is_set():
            pass

    def _guarded(self, event: str, task: Chore) -> object:
        try:
            return task()
        except (TandemError, Error) as error:
            self._repeats.warning(event, type(error).__name__, reason=str(error))
        except Exception:  # a bug in one row or chore must not end the others for good
            logger.exception("worker.failed")
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close_if_unusable_or_obsolete()
        return False

    def _listen(self) -> None:
        """Hear that somebody has left rows, from whichever Redis carries that."""
        shard = poke_shard(self._store.count)
        while not self._stopped.is_set():
            with contextlib.suppress(redis.RedisError, OSError), self._store.hear(shard, name_for(CHANNEL)) as heard:
                while not self._stopped.is_set():
                    message = heard.get_message(timeout=1.0) or {}
                    if message.get("type") == "sunsubscribe":  # its slot has gone to another master
                        break
                    if message.get("type") in ("message", "smessage"):
                        self._poked.set()
            self._stopped.wait(1.0)


def _keep_connections() -> None:
    """
    Have this thread's connections last for KEEP_SECONDS, where the settings have each end with its request.

    A worker has no requests: each look of each of its threads would make a connection, a dozen in a second.
    """
    for connection in connections.all():
        settings = connection.settings_dict
        age = settings["CONN_MAX_AGE"]
        if age is not None and age < KEEP_SECONDS and not settings["OPTIONS"].get("pool"):  # a pool keeps them itself
            connection.settings_dict = {**settings, "CONN_MAX_AGE": KEEP_SECONDS}
