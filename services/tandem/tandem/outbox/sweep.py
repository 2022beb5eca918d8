"""Send what nobody sent: rows of processes that died, and of the time when Redis was away."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.db import DatabaseError, connections, router
from django.db.models import Count
from django.db.models.functions import Now

from tandem.control import CHANNEL
from tandem.errors import RedisUnavailable
from tandem.models import OutboxEntry
from tandem.outbox import rows
from tandem.outbox.claiming import claimed
from tandem.outbox.sending import send
from tandem.outbox.settling import settle
from tandem.shards import shards
from tandem.sync_shards import Shards

BATCH = 500
CHANNELS = 200
CHECK_SECONDS = 60.0

_writable: dict[str, tuple[float, bool]] = {}


def send_left_over(
    *, older_than: timedelta = timedelta(seconds=1), using: str | None = None, store: Shards | None = None
) -> int:
    """
    Send what nobody sent within *older_than* by the database's clock, and return how many rows went.

    In every database that has the table, or only in *using*. What Redis refuses stays, is logged, and holds up nothing
    but its channel. Raises `RedisUnavailable` when a shard does not answer; what the others took has gone.
    """
    store = store or shards()
    sent, failure = 0, None
    for alias in [using] if using else databases():
        for channels in due_channels(alias, older_than, store).values():
            try:
                sent += send_channels(alias, channels, store)
            except RedisUnavailable as error:
                failure = failure or error
    if failure is not None:
        raise failure
    return sent


def databases() -> list[str]:
    """Return the database that the outbox is written to, and every other that has its table and is no replica."""
    home = router.db_for_write(OutboxEntry)
    others = (alias for alias in connections if alias != home and router.allow_migrate_model(alias, OutboxEntry))
    return [home, *(alias for alias in others if _is_writable(alias))]


def due_channels(using: str, older_than: timedelta, store: Shards) -> dict[int, list[str]]:
    """
    Return, by shard, the channels of which a row is older than *older_than*.

    All of the channel's rows go then, young ones too: they can be seen together, and the youngest may have the lowest
    number.
    """
    due = rows.waiting(using).filter(created_at__lte=Now() - older_than).order_by()
    by_shard: dict[int, list[str]] = {}
    for channel in due.values_list("channel", flat=True).distinct():
        by_shard.setdefault(store.of(channel), []).append(channel)
    return by_shard


def send_channels(using: str, channels: Sequence[str], store: Shards) -> int:
    """
    Send every row of *channels*, which are of one shard, and return how many went.

    Channels that another worker is sending are left to it. Raises `RedisUnavailable` when the shard does not answer.
    """
    count = 0
    for part in _parts(channels):
        going = part
        while going:
            with claimed(using, going) as ours:
                found = rows.read(rows.waiting(using).filter(channel__in=ours)[:BATCH])
                sent = send(found, store)
                settle(using, sent)
            count += len(sent.taken)
            for error in sent.stopped.values():
                if isinstance(error, RedisUnavailable):
                    raise error
            going = [channel for channel in ours if channel not in sent.stopped] if len(found) == BATCH else []
    return count


def count_rows() -> dict[str, int]:
    """Return how many rows there are in each state (``waiting``, ``set_aside``), in all databases together."""
    counts: dict[str, int] = dict.fromkeys(OutboxEntry.State.values, 0)
    for alias in databases():
        of_state = OutboxEntry.objects.using(alias).values_list("state").annotate(Count("pk")).order_by()
        for state, count in of_state:
            counts[state] += count
    return counts


def _parts(channels: Sequence[str]) -> Iterator[list[str]]:
    """Return *channels* in parts. What ends connections does not wait for anything else."""
    if CHANNEL in channels:
        yield [CHANNEL]
    others = [channel for channel in channels if channel != CHANNEL]
    for start in range(0, len(others), CHANNELS):
        yield others[start : start + CHANNELS]


def _is_writable(alias: str) -> bool:
    """Tell, as of the last minute, whether *alias* takes a deletion: a replica, or one without the table, does not."""
    checked_at, is_writable = _writable.get(alias, (-CHECK_SECONDS, False))
    if time.monotonic() - checked_at >= CHECK_SECONDS:
        is_writable = _takes_deletions(alias)
        _writable[alias] = time.monotonic(), is_writable
    return is_writable


def _takes_deletions(alias: str) -> bool:
    if connections[alias].settings_dict["TEST"].get("MIRROR"):
        return False
    try:
        rows.delete(connections[alias], [0])
    except DatabaseError:
        return False
    return True
