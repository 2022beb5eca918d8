"""``manage.py tandem resume``: send what has waited since ``pause``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.outbox import count_rows
from tandem.outbox.marking import unmark
from tandem.outbox.pausing import resume
from tandem.poke import poke_workers

HELP = "Send what has waited since the pause, and take what others publish again."

_UNTOLD = (
    "but the sockets could not be told ({}): what clients publish they refuse, if they did, until the worker reaches"
    " Redis, or you resume again."
)


def handle(command: BaseCommand, **_: Any) -> None:
    """Go on; refuse where nothing is paused."""
    try:
        since = resume()
    except OperationalError as error:
        raise CommandError(f"a database does not answer, and its outbox would stay paused: {error}") from error
    untold, marked = "", None
    try:
        marked = unmark()
    except (RedisUnavailable, RedisReplyError) as error:
        untold = _UNTOLD.format(error)
    since = since or marked  # a mark that a pause of old has left, where no worker takes it away
    if since is None:
        raise CommandError(" ".join(["publishing is not paused", untold]).rstrip())
    waiting = count_rows()["waiting"]
    poke_workers()
    command.stdout.write(f"publishing goes on after a pause since {since:%Y-%m-%d %H:%M:%S %Z}: {waiting} waiting")
    if untold:
        command.stdout.write(untold)
