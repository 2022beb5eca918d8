"""``manage.py tandem <what>``: each subcommand is a module of `tandem.subcommands`."""

from __future__ import annotations

import pkgutil
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.core.management.base import BaseCommand

from tandem import subcommands


class Command(BaseCommand):
    """Do what the subcommand does: its module has `HELP`, `handle`, and `add_arguments` if it takes any."""

    help = "Look after live updates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the subcommand and its arguments."""
        choices = parser.add_subparsers(dest="subcommand", required=True, metavar="|".join(_names()))
        for name in _names():
            module = _module(name)
            chosen = choices.add_parser(name, help=module.HELP, description=module.HELP)
            if hasattr(module, "add_arguments"):
                module.add_arguments(chosen)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the subcommand."""
        _module(options["subcommand"]).handle(self, **options)


def _names() -> list[str]:
    return sorted(found.name for found in pkgutil.iter_modules(subcommands.__path__))


def _module(name: str) -> Any:
    return import_module(f"{subcommands.__name__}.{name}")
