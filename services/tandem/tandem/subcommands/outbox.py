"""``manage.py tandem outbox``: what waits, and the rows that are set aside: list, retry or drop them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tandem.models import OutboxEntry
from tandem.outbox import count_rows
from tandem.outbox.aside import drop, everywhere, retry, set_aside
from tandem.outbox.pausing import paused_since
from tandem.outbox.sweep import databases
from tandem.pause import tell_paused

HELP = "Tell what waits in the outbox; list, retry or drop the rows that are set aside."


def add_arguments(parser: ArgumentParser) -> None:
    """Take one of ``--list``, ``--retry`` and ``--drop``, the last two with numbers or ``all``."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--list", action="store_true", help="list the rows that are set aside")
    chosen.add_argument("--retry", nargs="+", metavar="ROW", help="publish these rows (or all) after all others")
    chosen.add_argument("--drop", nargs="+", metavar="ROW", help="delete these rows (or all)")
    parser.add_argument("--database", help="the database of the rows; every one for all, else where the outbox is")


def handle(command: BaseCommand, **options: Any) -> None:
    """Do what was asked; without anything, count."""
    if options["list"]:
        for row in everywhere():
            command.stdout.write(_line(row))
    elif options["retry"]:
        count = sum(retry(found) for found in _chosen(options["retry"], options["database"]))
        command.stdout.write(f"{count} to be retried")
    elif options["drop"]:
        count = sum(drop(found) for found in _chosen(options["drop"], options["database"]))
        command.stdout.write(f"{count} dropped")
    else:
        counts = count_rows()
        command.stdout.write(f"{counts['waiting']} waiting, {counts['set_aside']} set aside")
        if since := paused_since():
            command.stdout.write(tell_paused(since))


def _line(row: OutboxEntry) -> str:
    database = "" if row._state.db == "default" else f" in {row._state.db}"
    return f"{row.pk}{database}  {row.set_aside_at:%Y-%m-%d %H:%M:%S}  {row.channel}  {row.reason}"


def _chosen(rows: list[str], database: str | None) -> list[Any]:
    if rows == ["all"]:
        return [set_aside(using=alias) for alias in ([database] if database else databases())]
    if not all(row.isascii() and row.isdigit() for row in rows):
        raise CommandError(f"rows are numbers, or all: not {' '.join(rows)}")
    found = set_aside([int(row) for row in rows], using=database)
    if missing := {int(row) for row in rows} - set(found.values_list("pk", flat=True)):
        raise CommandError(f"not set aside: {', '.join(map(str, sorted(missing)))}")
    return [found]
