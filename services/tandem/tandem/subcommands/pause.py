"""``manage.py tandem pause``: send nothing until ``resume``, while Redis is exchanged for another one."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from tandem.outbox.pausing import SETTLE_SECONDS, pause
from tandem.pause import tell_paused

HELP = "Send nothing until resume: what is committed waits in the outbox, and a direct publish is refused."


def handle(command: BaseCommand, **_: Any) -> None:
    """Pause, and return once nothing is under way any more."""
    try:
        since = pause()
    except OperationalError as error:
        raise CommandError(f"a database does not answer, and would go on when it is back: {error}") from error
    time.sleep(SETTLE_SECONDS)
    command.stdout.write(tell_paused(since))
