"""``manage.py tandem pause``: send nothing until ``resume``, while Redis is exchanged for another one."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.outbox.marking import mark
from tandem.outbox.pausing import SETTLE_SECONDS, pause
from tandem.pause import tell_paused

HELP = "Send nothing until resume: what is committed waits in the outbox, and what others publish is refused."

_UNTOLD = (
    "but the sockets could not be told ({}): what clients publish they still take, as far as they reach Redis."
    " The worker tells them as soon as it answers; pause again before you move. If it never will, go on."
)


def handle(command: BaseCommand, **_: Any) -> None:
    """Pause, and return once nothing is under way any more. Fails where the sockets cannot be told: see `_UNTOLD`."""
    try:
        since = pause()
    except OperationalError as error:
        raise CommandError(f"a database does not answer, and would go on when it is back: {error}") from error
    untold = _mark(since)
    time.sleep(SETTLE_SECONDS)
    command.stdout.write(tell_paused(since))
    if untold is not None:
        raise CommandError(_UNTOLD.format(untold)) from untold


def _mark(since: datetime) -> Exception | None:
    try:
        mark(since)
    except (RedisUnavailable, RedisReplyError) as error:
        return error
    return None
