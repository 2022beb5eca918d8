"""What blocks show beside a row."""

import os

from mysite.models import Order

import tandem.live.viewers
from tandem.live import source

# A crowd that a machine of the tests can be.
tandem.live.viewers.VIEWERS_AT_LONGEST = int(os.environ.get("VIEWERS_AT_LONGEST", 1000))


@source(channel="orders:{owner}")
def orders(request, owner: int):
    return {"orders": Order.objects.filter(owner=owner).order_by("-number", "pk")}


@source(channel="public:order.{pk}")
def fragile(request, pk: int):
    order = Order.objects.get(pk=pk)
    if order.note == "raise":
        raise RuntimeError("a bug of the project")
    return {"order": order, "filler": range(200_000 if order.note == "large" else 0)}


@source(channel="public:order.{pk}", push="number.html")
def pushed(pk: int):
    return {"order": Order.objects.get(pk=pk)}
