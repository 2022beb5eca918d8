"""Why a block is not shown."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404

from tandem.errors import TandemError


class Gone(TandemError, Http404):
    """What a block shows is not there (any more)."""


class NotShown(TandemError, PermissionDenied):
    """Who asks may not see the block. `reason` is a word for the page."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class PartialTooLarge(TandemError, ValueError):
    """A partial that rendered to more than `max_publication_bytes`."""
