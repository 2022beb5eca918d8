"""The rules of orders. Nothing here publishes: the model broadcasts, the inbox notifies."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from api.orders.models import Order
from tandem.inbox import notify

MOST = 50
"""So many orders are kept: anybody may order, and nobody tidies up."""


class UnknownOrder(LookupError):
    """There is no such order, or it is gone."""


def place(what: str, by: AbstractBaseUser | AnonymousUser) -> Order:
    """Order *what*. The oldest orders go when there are too many."""
    with transaction.atomic():
        order: Order = Order.objects.create(what=what, owner=by if by.is_authenticated else None)
        Order.objects.filter(pk__in=Order.objects.values("pk")[MOST:]).delete()
    return order


def ship(pk: int, by: AbstractBaseUser | AnonymousUser) -> Order:
    """Ship an order, once, and notify whoever placed it. Raises `UnknownOrder`."""
    with transaction.atomic():
        order = Order.objects.select_for_update().filter(pk=pk).first()
        if order is None:
            raise UnknownOrder(f"there is no order {pk}")
        if not order.has_shipped:
            order.has_shipped = True
            order.save()
            _tell_owner(order, name_of(by))
    return order


def name_of(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return what others read of *user*."""
    return getattr(user, "first_name", "") or user.get_username() or "Somebody"


def _tell_owner(order: Order, shipped_by: str) -> None:
    if order.owner:
        notify(order.owner, "order.shipped", actor=shipped_by, target=order, url="/")
