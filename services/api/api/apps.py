"""The example as a Django app: what its pages share."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Templates and static files of every page."""

    name = "api"
