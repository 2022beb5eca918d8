"""Template tags that the installed apps of the package add to ``{% load tandem %}``; the core knows none of them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from django.apps import apps
from django.template import Library


def libraries() -> Iterator[Library]:
    """Yield the library of each installed app whose config names a module: ``tandem_tags = "shop.tags"``."""
    for config in apps.get_app_configs():
        if module := getattr(config, "tandem_tags", ""):
            yield import_module(module).register
