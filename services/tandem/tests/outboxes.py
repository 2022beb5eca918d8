"""What a process that died after its commit leaves in the outbox, and what was published."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from tandem import streams
from tandem.models import OutboxEntry

NOW = timedelta(0)


def published(channel: str = "kept:a") -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def publish_later(channel: str, data: Any) -> None:
    """Leave a row, as a process that died after its commit does."""
    OutboxEntry.objects.create(channel=channel, data=msgspec.json.encode(data).decode())
