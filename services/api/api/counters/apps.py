"""The counters app."""

from __future__ import annotations

from django.apps import AppConfig


class CountersConfig(AppConfig):
    """Counters, their API, their pages and their admin."""

    name = "api.counters"
