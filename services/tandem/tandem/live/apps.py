"""Live blocks as a Django app: the tag, the sources of every app, the checks. No table."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LiveConfig(AppConfig):
    """Has the tag ``{% live %}`` and finds ``<app>.live``."""

    name = "tandem.live"
    label = "tandem_live"
    verbose_name = "Tandem live blocks"
    tandem_tags = "tandem.live.tags"

    def ready(self) -> None:
        """Register the checks, and import what the project says about its sources."""
        import_module("tandem.live.checks")
        autodiscover_modules("live")
