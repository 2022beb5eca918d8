"""Ten things that happen while a visitor has cut the line."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from api.counters import actions as counters
from api.counters.views import DEMO
from api.orders import actions as orders
from tandem.inbox import notify

THINGS = 10
WANTED = ("Tea", "Ink", "String")


def happen(user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
    """Let ten things happen, and return what a page must hear of each, once."""
    things: list[dict[str, Any]] = []
    with transaction.atomic():
        for what in WANTED:
            things.append({"of": "order", "key": orders.place(what, user).pk})
        if user.is_authenticated:
            notify(user, "front.missed", url="/")
            things.append({"of": "notification", "key": "front.missed"})
    while len(things) < THINGS:
        things.append({"of": "counter", "key": counters.increment(DEMO).version})
    return things
