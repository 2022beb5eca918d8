"""``manage.py tandem prune``: delete what is older than the project keeps it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from tandem import conf

HELP = "Delete old notifications, and what is left of users who are no more."


def add_arguments(parser: ArgumentParser) -> None:
    """Take ``--days``."""
    parser.add_argument("--days", type=int, help="keep this many days; unless given, TANDEM['inbox_keep_days']")


def handle(command: BaseCommand, **options: Any) -> None:
    """Delete, and say how much that was."""
    if not apps.is_installed("tandem.inbox"):
        raise CommandError("there is nothing to prune: the app tandem.inbox is not installed")
    days = conf.settings().inbox_keep_days if options["days"] is None else options["days"]
    if days < 1:
        raise CommandError(f"days is 1 or more, not {days}")
    counts = import_module("tandem.inbox.keeping.retention").prune(timedelta(days=days))
    command.stdout.write(f"deleted {', '.join(f'{count} {what}' for what, count in counts.items())}")
