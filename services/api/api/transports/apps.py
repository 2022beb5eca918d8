"""The transports page's app."""

from __future__ import annotations

from django.apps import AppConfig


class TransportsConfig(AppConfig):
    """One page that measures itself."""

    name = "api.transports"
