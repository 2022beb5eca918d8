"""What a model's changes were told to its channels."""

from __future__ import annotations

from typing import Any

import msgspec

from tandem import streams
from tests.shop.models import Order


def told(channel: str) -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def events(channel: str) -> list[str]:
    """Return what happened in *channel*."""
    return [each["event"] for each in told(channel)]


def body(event: str, order: Order, **data: Any) -> dict[str, Any]:
    """Return the publication of *event*."""
    return {"event": event, "model": "shop.order", "pk": order.pk} | ({"data": data} if data else {})
