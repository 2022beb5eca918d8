"""``manage.py tandem export``: all that the inbox has of one user, as JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.core.management.base import BaseCommand, CommandError
from django.core.serializers.json import DjangoJSONEncoder

HELP = "Print all that the inbox has of one user."


def add_arguments(parser: ArgumentParser) -> None:
    """Take who."""
    parser.add_argument("user", help="what the user logs in with")


def handle(command: BaseCommand, **options: Any) -> None:
    """Print JSON."""
    if not apps.is_installed("tandem.inbox"):
        raise CommandError("there is nothing to export: the app tandem.inbox is not installed")
    try:
        user: Any = get_user_model()._default_manager.get_by_natural_key(options["user"])  # type: ignore[attr-defined]  # a user's manager has it
    except ObjectDoesNotExist as error:
        raise CommandError(f"nobody logs in with {options['user']!r}") from error
    found = import_module("tandem.inbox.keeping.exporting").export(user)
    command.stdout.write(json.dumps(found, indent=2, cls=DjangoJSONEncoder, ensure_ascii=False))
