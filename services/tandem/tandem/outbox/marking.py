"""Have Redis say to the sockets what the row of the pause says: at once by the commands, later by the worker."""

from __future__ import annotations

from datetime import datetime

from tandem.errors import RedisReplyError
from tandem.namespaces import CONTROL_CHANNEL
from tandem.outbox.pausing import paused_since
from tandem.pause_mark import look_command, mark_command, parse_mark, unmark_command
from tandem.redis.commands import Command
from tandem.shards import shards


def mark(since: datetime) -> None:
    """Have the sockets refuse what clients publish. Raises `RedisUnavailable` or `RedisReplyError`."""
    _ask(mark_command(since))


def unmark() -> datetime | None:
    """Have them take it again, and return since when they refused it. Raises as `mark`."""
    return parse_mark(_ask(unmark_command()))


def keep_mark() -> None:
    """
    Mark this Redis as the row says: it was away when that changed, was emptied, or is the new one.

    The outbox's worker calls this every half second. Raises as `mark`.
    """
    marked = parse_mark(_ask(look_command()))  # before the row: a mark without one is of a pause that has ended
    since = paused_since()
    if since is None and marked is not None:
        unmark()
    elif since is not None and since != marked:
        mark(since)


def _ask(command: Command) -> bytes | None:
    store = shards()
    reply: bytes | RedisReplyError | None
    [reply] = store.commands(store.of(CONTROL_CHANNEL), [command])
    if isinstance(reply, RedisReplyError):
        raise reply
    return reply
