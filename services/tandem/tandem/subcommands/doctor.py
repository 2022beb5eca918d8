"""``manage.py tandem doctor``: try the live parts, and say what to do about each that fails."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from tandem import conf
from tandem.doctor.findings import Finding
from tandem.doctor.redis import try_redis
from tandem.doctor.sockets import try_sockets
from tandem.memory import is_memory
from tandem.pause import paused_since, tell_paused

HELP = "Try Redis and the address of the sockets, and say what to do about what fails."

_MARKS = {"ok": "ok    ", "note": "note  ", "wrong": "WRONG "}


def add_arguments(parser: ArgumentParser) -> None:
    """Take ``--url``."""
    parser.add_argument("--url", help="where browsers find the pages and /ws, for example https://shop.example")


def handle(command: BaseCommand, *, url: str | None = None, **_: Any) -> None:
    """Print a line for each thing that was tried; exit with 1 when something is wrong."""
    wrong = 0
    for finding in _try_all(url):
        wrong += finding.level == "wrong"
        command.stdout.write(_MARKS[finding.level] + finding.text)
        if finding.cure:
            command.stdout.write("      " + finding.cure)
    if wrong:
        raise CommandError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong.")


def _try_all(url: str | None) -> Iterator[Finding]:
    try:
        addresses = conf.redis_urls()
    except ImproperlyConfigured as error:
        yield Finding("wrong", str(error), "Run manage.py check.")
        return
    if since := paused_since():
        yield Finding("note", tell_paused(since))
    for address in addresses:
        if is_memory(address):
            text = "no Redis: everything stays in the process of runtandem, and this is another"
            yield Finding("note", text, "Set TANDEM_REDIS_URLS to try a publication there and back.")
        else:
            yield from try_redis(address)
    if url is None:
        yield Finding("note", "the sockets were not tried", "Say where they are: --url https://shop.example")
    else:
        yield from try_sockets(url, has_redis=not all(is_memory(address) for address in addresses))
