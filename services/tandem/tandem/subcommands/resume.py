"""``manage.py tandem resume``: send what has waited since ``pause``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from tandem.outbox import count_rows
from tandem.outbox.pausing import resume
from tandem.poke import poke_workers

HELP = "Send what has waited since the pause, and take direct publishes again."


def handle(command: BaseCommand, **_: Any) -> None:
    """Go on; refuse where nothing is paused."""
    try:
        since = resume()
    except OperationalError as error:
        raise CommandError(f"a database does not answer, and its outbox would stay paused: {error}") from error
    if since is None:
        raise CommandError("publishing is not paused")
    waiting = count_rows()["waiting"]
    poke_workers()
    command.stdout.write(f"publishing goes on after a pause since {since:%Y-%m-%d %H:%M:%S %Z}: {waiting} waiting")
