"""The live page as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class MonitorConfig(AppConfig):
    """Connections as the realtime processes tell of them; no table of ours."""

    name = "tandem.monitor"
    label = "tandem_monitor"
    verbose_name = "Tandem"
