"""Kinds that the inbox's tests speak of, and what these look at."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

import tandem.inbox
from tandem.inbox.reading import listing
from tandem.inbox.reading.listing import Cursor, Filter
from tandem.testing import published


@tandem.inbox.kind("order.shipped")
class OrderShipped:
    """An order is on its way."""

    title = "Order {{ data.number }} is on its way"
    body = "{% if actor %}{{ actor }} sent it.{% endif %}"
    category = "orders"


@tandem.inbox.kind("photo.liked")
class PhotoLiked:
    """Somebody likes a photo."""

    title = "{{ actor }}{% if others %} and {{ others }} others{% endif %} like your photo"
    category = "photos"


@tandem.inbox.kind("account.breached")
class Breached:
    """Somebody else logged in: nobody may miss that."""

    title = "Somebody logged in"
    is_critical = True
    media = ("inbox", "email")


def user(name: str, **more: Any) -> User:
    """Return a new user."""
    return User.objects.create_user(name, f"{name}@example.com", "secret", **more)


def pushed(who: User, kind: str = "") -> list[dict[str, Any]]:
    """Return what *who* was told, of that *kind*."""
    found = [each.data for each in published(f"notifications:#{who.pk}")]
    return [each for each in found if kind in ("", each["type"])]


def inbox(who: User, tenant: str = "", **wanted: Any) -> list[dict[str, Any]]:
    """Return the items of *who*."""
    return listing.page(who, tenant, Filter(**wanted), Cursor(), 100).items


def titles(who: User, tenant: str = "", **wanted: Any) -> list[str]:
    """Return their titles."""
    return [item["title"] for item in inbox(who, tenant, **wanted)]


def numbers(who: User, tenant: str = "") -> tuple[int, int]:
    """Return how many are unseen and unread, as the counts say."""
    state = listing.counts(who, tenant)
    return state["unseen"], state["unread"]
