"""The outbox's worker: send what the process that committed it could not."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tandem.chores import chores
from tandem.outbox import send_left_over
from tandem.outbox.liveness import serve_liveness
from tandem.outbox.worker import Worker


class Command(BaseCommand):
    """Run until SIGTERM or SIGINT; any number of workers may run at once."""

    help = "Send committed publications that are still in the outbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--once``, ``--interval`` and ``--probe-port``."""
        parser.add_argument("--once", action="store_true", help="send what is due and exit")
        parser.add_argument("--interval", type=float, default=0.5, help="seconds between looks (default 0.5)")
        parser.add_argument("--probe-port", type=int, help="answer /healthz here: 503 once the worker hangs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, send, wait."""
        if options["once"]:
            for chore in chores:
                while chore():
                    pass
            self.stdout.write(f"sent {send_left_over()}")
            return
        worker = Worker(interval=options["interval"], chores=chores)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.stop)
        if options["probe_port"] is not None:
            serve_liveness(options["probe_port"], worker.is_alive)
        worker.run()
