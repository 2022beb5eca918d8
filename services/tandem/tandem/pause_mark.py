"""
The pause as Redis has it: a mark that the sockets look at, which ask no SQL. The row is the truth. No I/O here.

It is beside the log of control, so in whichever Redis the sockets hear that from.
"""

from __future__ import annotations

from datetime import datetime

from tandem.errors import RedisReplyError
from tandem.names import key_of
from tandem.namespaces import CONTROL, CONTROL_CHANNEL
from tandem.redis.commands import Command


def mark_command(since: datetime) -> Command:
    """Return the command that tells the sockets that publishing is paused *since* then."""
    return "SET", _key(), since.isoformat()


def unmark_command() -> Command:
    """Return the command that takes that back; the reply is the mark that was there."""
    return "GETDEL", _key()


def look_command() -> Command:
    """Return the command that looks for the mark."""
    return "GET", _key()


def parse_mark(reply: bytes | None) -> datetime | None:
    """Read a mark: since when there is a pause. Raises `RedisReplyError` for one that is none of ours."""
    if reply is None:
        return None
    try:
        return datetime.fromisoformat(reply.decode())
    except ValueError as error:
        raise RedisReplyError(f"{_key()} is to have the moment of a pause, not {reply!r}") from error


def _key() -> str:
    return key_of("paused", CONTROL, beside=CONTROL_CHANNEL)
