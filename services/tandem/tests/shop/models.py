"""Models that broadcast, in each of the ways that there are."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

import tandem


def order_data(order: Order) -> dict[str, Any]:
    """What subscribers of an order's channels read."""
    return {"status": order.status, "count": order.count}


@tandem.broadcasts(to=lambda order: [f"kept:order.{order.pk}", f"kept:orders.{order.shelf}"], data=order_data)
class Order(models.Model):
    """On a shelf, from which it may go to another."""

    shelf: models.CharField[str, str] = models.CharField(max_length=20, default="a")
    status: models.CharField[str, str] = models.CharField(max_length=20, default="new")
    count: models.IntegerField[Any, int] = models.IntegerField(default=0)


class RushOrder(Order):
    """With a table of its own beside that of orders."""

    minutes: models.IntegerField[int, int] = models.IntegerField(default=5)


class OrderAsSeen(Order):
    """The same rows by another class."""

    class Meta:
        proxy = True


@tandem.broadcasts(to=lambda line: [f"kept:lines.{line.order_id}"])
class Line(models.Model):
    """Goes with its order."""

    order: models.ForeignKey[Order, Order] = models.ForeignKey(Order, on_delete=models.CASCADE)


@tandem.broadcasts(to=lambda each: [f"kept:{each._meta.model_name}"])
class Stamped(models.Model):
    """An abstract model."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        abstract = True


class Parcel(Stamped):
    """Broadcasts because it is stamped, and makes its own key."""


class Silent(models.Model):
    """Does not broadcast."""
