"""The front page's app."""

from __future__ import annotations

from django.apps import AppConfig


class FrontConfig(AppConfig):
    """One page, two people to try it as, and the source of what they see."""

    name = "api.front"
