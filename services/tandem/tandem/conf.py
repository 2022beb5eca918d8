"""What the project's Django settings say about Tandem, read once."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.core.signals import setting_changed

from tandem.namespaces import Namespaces


@cache
def namespaces() -> Namespaces:
    """Return the declared namespaces (TANDEM_NAMESPACES)."""
    return Namespaces(settings.TANDEM_NAMESPACES)


def redis_urls() -> tuple[str, ...]:
    """Return the address of each Redis shard (TANDEM_REDIS_URLS)."""
    return tuple(settings.TANDEM_REDIS_URLS)


def _forget(**_: object) -> None:
    namespaces.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tandem.conf")
