"""`tandem.touch`: what no signal tells of is told by whoever did it."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

import tandem
from tests.changes import events, told
from tests.shop.models import Order, Silent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]


def test_touch_tells_of_update() -> None:
    """Before it, so that the list that the rows leave hears of it; each row once."""
    orders = [Order.objects.create(shelf="a") for _ in range(2)]
    with transaction.atomic():
        tandem.touch(Order.objects.filter(shelf="a"))
        Order.objects.filter(shelf="a").update(shelf="b")
        orders[0].refresh_from_db()
        orders[0].save()

    assert events("kept:orders.a") == ["created", "created", "left", "left"]
    assert [each["pk"] for each in told("kept:orders.b")] == [order.pk for order in orders]


def test_touch_tells_of_bulk_create_and_of_what_no_signal_tells() -> None:
    """After the one, before the other."""
    with transaction.atomic():
        Order.objects.bulk_create([Order(shelf="a"), Order(shelf="a")])
        tandem.touch(Order.objects.filter(shelf="a"))
    with transaction.atomic():
        tandem.touch(Order.objects.filter(shelf="a"))
        Order.objects.filter(shelf="a")._raw_delete("default")

    assert events("kept:orders.a") == ["changed", "changed", "deleted", "deleted"]


def test_touch_refuses_what_it_cannot_do() -> None:
    """With a sentence that says what to write."""
    with pytest.raises(TransactionManagementError, match=r"before it: with transaction\.atomic"):
        tandem.touch(Order.objects.all())
    with pytest.raises(TypeError, match=r"shop.Silent does not broadcast: @tandem.broadcasts makes it"):
        tandem.touch(Silent.objects.all())
