"""What blocks show beside a row."""

import os

from mysite.models import Order

from tandem.live import references, source, viewers

# A crowd that a machine of the tests can be, and times that a test can wait.
viewers.VIEWERS_AT_LONGEST = int(os.environ.get("VIEWERS_AT_LONGEST", 1000))
viewers.RENEWAL_SECONDS = int(os.environ.get("RENEWAL_SECONDS", 600))
references.LIFE_SECONDS = int(os.environ.get("LIFE_SECONDS", 86_400))


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
