"""Change keys of the ``TANDEM`` setting for a while."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.test import override_settings


def override_tandem(**changes: Any) -> override_settings:
    """Return Django's `override_settings` for ``TANDEM`` with *changes* on top of what it has now."""
    return override_settings(TANDEM={**getattr(settings, "TANDEM", {}), **changes})
