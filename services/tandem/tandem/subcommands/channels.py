"""``manage.py tandem channels``: which channels there are, and who says who may hear them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from tandem import conf
from tandem.auth.permissions import permissions
from tandem.namespaces import INTERNAL

HELP = "List the channel patterns and the namespaces without one."


def handle(command: BaseCommand, **_: Any) -> None:
    """Print a line for each pattern and for each other namespace."""
    lines = [(each.pattern.text, _where(each.function)) for each in permissions()]
    patterned = {each.pattern.namespace for each in permissions()}
    for name, options in sorted(conf.declared_namespaces(conf.settings().namespaces).items()):
        if name not in patterned and name not in INTERNAL:
            who = options.get("subscribe") or ("the user named after #" if options.get("personal") else "nobody")
            lines.append((f"{name}:..." if name else "...", f"{who} (namespace)"))
    width = max((len(pattern) for pattern, _ in lines), default=0)
    for pattern, who in lines:
        command.stdout.write(f"{pattern:<{width}}  {who}")


def _where(function: Any) -> str:
    return f"{function.__module__}.{function.__qualname__}"
