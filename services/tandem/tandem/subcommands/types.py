"""``manage.py tandem types``: TypeScript's types of what is published, for the pages' sources."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from tandem import conf
from tandem.contracts.declaring import contracts, example_of
from tandem.contracts.typescript import Unwritable, write
from tandem.errors import UnknownNamespace

HELP = "Write TypeScript's types of what is published to which channels."


def add_arguments(parser: ArgumentParser) -> None:
    """Take ``--output`` and ``--check``."""
    parser.add_argument("--output", type=Path, help="the file to write, for example frontend/src/tandem-types.d.ts")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the file says otherwise")


def handle(command: BaseCommand, *, output: Path | None = None, check: bool = False, **_: Any) -> None:
    """Write to the file, or say the same."""
    try:
        for pattern in contracts():
            conf.namespaces().of(example_of(pattern))
        text = write(contracts())
    except (Unwritable, UnknownNamespace) as error:
        raise CommandError(str(error)) from error
    if check and output is None:
        raise CommandError("--check compares with a file: name it with --output")
    if output is None:
        command.stdout.write(text, ending="")
    elif not check:
        output.write_text(text)
    elif not output.is_file() or output.read_text() != text:
        raise CommandError(f"{output} is not what the contracts say: run manage.py tandem types --output {output}")
