"""The outbox's worker: send what the process that committed it could not."""

from __future__ import annotations

import logging
import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error, close_old_connections

from tandem.errors import RedisUnavailable
from tandem.outbox import send_left_over

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Run until SIGTERM or SIGINT; any number of workers may run at once."""

    help = "Send committed publications that are still in the outbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--once`` and ``--interval``."""
        parser.add_argument("--once", action="store_true", help="send what is due and exit")
        parser.add_argument("--interval", type=float, default=0.5, help="seconds between looks (default 0.5)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, send, wait."""
        if options["once"]:
            self.stdout.write(f"sent {send_left_over()}")
            return
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        while not stopped.wait(options["interval"]):
            _send()


def _send() -> None:
    close_old_connections()
    try:
        send_left_over()
    except (RedisUnavailable, Error) as error:
        logger.warning("outbox.waiting", extra={"reason": str(error)})
