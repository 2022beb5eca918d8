"""Whether publishing is paused, while Redis is exchanged for another one. What is committed waits in the outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tandem.errors import PublishingPaused

look: Callable[[], datetime | None] | None = None
"""Tells since when publishing is paused: the outbox, in a project that has one. Nothing pauses elsewhere."""


def paused_since() -> datetime | None:
    """Return since when publishing is paused, as of the last second; None where it is not."""
    return look() if look is not None else None


def refuse_while_paused() -> None:
    """Raise `PublishingPaused` while it is."""
    if since := paused_since():
        raise PublishingPaused(tell_paused(since))


def tell_paused(since: datetime) -> str:
    """Say what is paused and how it ends."""
    return (
        f"publishing is paused since {since:%Y-%m-%d %H:%M:%S %Z}, until `manage.py tandem resume`:"
        " publish_on_commit keeps what is committed, publish is refused"
    )
