"""Why nothing is minted."""

from __future__ import annotations

from tandem.errors import TandemError


class NotSignedIn(TandemError):
    """Nobody is logged in (any more), and `anonymous` is off."""


class Refused(TandemError):
    """No permission function lets this user hear this channel."""
