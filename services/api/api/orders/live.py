"""What a live block of orders shows, and the channel that tells when it changed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from api.orders.models import CHANNEL, Order
from tandem.live import source


@source(channel=CHANNEL)
def orders(request: HttpRequest) -> dict[str, Any]:
    """Return the latest orders."""
    return {"orders": Order.objects.select_related("owner")[:5]}
