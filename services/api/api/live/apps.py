"""The live app."""

from __future__ import annotations

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Connections as the realtime processes tell of them; no table of ours."""

    name = "api.live"
    verbose_name = "Live"
