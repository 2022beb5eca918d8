"""Models that broadcast: what became of a row is published once, as it is, when its transaction commits."""

from __future__ import annotations

import pytest
from django.core import serializers
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F
from django.db.models.signals import post_save, pre_delete, pre_save
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from tandem.models import OutboxEntry
from tandem.testing import memory, published
from tests.changes import body, events, told
from tests.shop.models import Line, Order, OrderAsSeen, Parcel, RushOrder, Silent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]


class Rollback(Exception):
    """What ends a block of the test."""


def test_created_changed_deleted() -> None:
    """Each to every channel of the row, with its data as long as it is there."""
    order = Order.objects.create()
    pk = order.pk
    order.status = "paid"
    order.save()
    order.delete()
    order.pk = pk

    assert told(f"kept:order.{pk}") == told("kept:orders.a")
    assert told("kept:orders.a") == [
        body("created", order, status="new", count=0),
        body("changed", order, status="paid", count=0),
        body("deleted", order),
    ]


def test_list_that_a_row_left_hears_of_it() -> None:
    """And reads nothing of what the row is now; the list that it came to does."""
    order = Order.objects.create(shelf="a")
    order.shelf = "b"
    order.save()

    assert told("kept:orders.a")[1:] == [body("left", order)]
    assert told("kept:orders.b") == [body("changed", order, status="new", count=0)]


def test_many_saves_in_a_transaction_are_one_change() -> None:
    """From where the row was at its beginning to where it is at its end."""
    order = Order.objects.create(shelf="a")
    with transaction.atomic():
        for shelf in ("b", "c", "d"):
            order.shelf = shelf
            order.save()

    assert events("kept:orders.a") == ["created", "left"]
    assert (events("kept:orders.b"), events("kept:orders.c")) == ([], [])
    assert events("kept:orders.d") == ["changed"]
    assert events(f"kept:order.{order.pk}") == ["created", "changed"]


def test_created_and_deleted_in_a_transaction_never_was() -> None:
    """And created, then changed, is created."""
    with transaction.atomic():
        Order.objects.create(shelf="a").delete()
        order = Order.objects.create(shelf="b")
        order.status = "paid"
        order.save()

    assert events("kept:orders.a") == []
    assert told("kept:orders.b") == [body("created", order, status="paid", count=0)]


def test_row_is_told_as_the_database_has_it() -> None:
    """Not as the object in memory, which may know no more than an expression, or an old value."""
    order = Order.objects.create()
    with transaction.atomic():
        order.count = F("count") + 1
        order.save()
        Order.objects.filter(pk=order.pk).update(status="paid")

    assert told("kept:orders.a")[1:] == [body("changed", order, status="paid", count=1)]


def test_rollback_tells_nothing() -> None:
    """Of a transaction, or of a savepoint in it; a change before the savepoint is told as what it came to."""
    order = Order.objects.create(shelf="a")
    with transaction.atomic():
        order.status = "paid"
        order.save()
        for shelf, row in (("b", order), ("c", Order())):
            try:
                with transaction.atomic():
                    row.shelf = shelf
                    row.save()
                    raise Rollback
            except Rollback:
                pass
    try:
        with transaction.atomic():
            order.delete()
            raise Rollback
    except Rollback:
        pass

    assert told("kept:orders.a")[1:] == [
        {"event": "changed", "model": "shop.order", "pk": row_key(), "data": {"status": "paid", "count": 0}}
    ]
    assert (events("kept:orders.b"), events("kept:orders.c")) == ([], [])


def row_key() -> int:
    """The key of the only order."""
    return Order.objects.get().pk


def test_change_after_a_rolled_back_one_is_told() -> None:
    """What the savepoint took along is noticed anew."""
    order = Order.objects.create(shelf="a")
    with transaction.atomic():
        try:
            with transaction.atomic():
                order.shelf = "b"
                order.save()
                raise Rollback
        except Rollback:
            pass
        order.shelf = "c"
        order.save()

    assert events("kept:orders.a") == ["created", "left"]
    assert (events("kept:orders.b"), events("kept:orders.c")) == ([], ["changed"])


def test_row_and_its_publication_are_one_transaction() -> None:
    """Also where the view opens none: what cannot be told is not saved."""
    order = Order(shelf="no such channel")
    with pytest.raises(ValueError, match="a channel is 1 to 255"):
        order.save()

    assert Order.objects.count() == 0


def test_to_that_fails_at_the_commit_rolls_everything_back() -> None:
    """Django itself would commit after any but a database's error."""

    @transaction.atomic
    def view() -> None:
        Silent.objects.create()
        Order.objects.create(shelf="no such channel")

    with pytest.raises(ValueError, match="a channel is 1 to 255"):
        view()

    assert (Silent.objects.count(), Order.objects.count(), OutboxEntry.objects.count()) == (0, 0, 0)
    Order.objects.create(shelf="a")
    assert events("kept:orders.a") == ["created"]


def test_who_looks_at_the_outbox_first_does_not_lose_the_error() -> None:
    """The look fails, and so does the commit of who caught that."""

    @transaction.atomic
    def view() -> None:
        Order.objects.create(shelf="no such channel")
        with pytest.raises(ValueError, match="a channel is 1 to 255"):
            OutboxEntry.objects.count()

    with pytest.raises(ValueError, match="a channel is 1 to 255"):
        view()

    assert Order.objects.count() == 0


def test_statements_of_a_change() -> None:
    """One to see where the row was, one to see how it is, and the outbox's three; a second save costs its UPDATE."""
    order = Order.objects.create()
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        order.save()
        order.save()
    verbs = [query["sql"].split()[0] for query in queries]

    assert verbs == ["BEGIN", "SELECT", "UPDATE", "UPDATE", "SELECT", "INSERT", "COMMIT", "SELECT", "DELETE"]


def test_hundred_rows_are_read_at_once() -> None:
    """At the commit: one SELECT for all, one INSERT for all."""
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        for _ in range(100):
            Order.objects.create()
    verbs = [query["sql"].split()[0] for query in queries if "shop_order" in query["sql"]]

    assert verbs == ["INSERT"] * 100 + ["SELECT"]
    assert len(told("kept:orders.a")) == 5  # as many as the namespace keeps
    assert told("kept:orders.a")[-1]["pk"] == Order.objects.latest("pk").pk


def test_deletion_of_a_queryset_and_its_cascade() -> None:
    """Each row is told, and what goes with it."""
    first, second = Order.objects.create(), Order.objects.create()
    line = Line.objects.create(order=second)
    Order.objects.all().delete()

    assert [each["event"] for each in told("kept:orders.a")] == ["created", "created", "deleted", "deleted"]
    assert told(f"kept:lines.{second.pk}") == [
        {"event": "created", "model": "shop.line", "pk": line.pk},
        {"event": "deleted", "model": "shop.line", "pk": line.pk},
    ]
    assert events(f"kept:order.{first.pk}") == ["created", "deleted"]


def test_deleted_object_leaves_the_list_that_the_database_knows() -> None:
    """Whatever the caller did to it in memory."""
    order = Order.objects.create(shelf="a")
    order.shelf = "b"
    order.delete()

    assert (events("kept:orders.a"), events("kept:orders.b")) == (["created", "deleted"], [])


def test_heirs_broadcast() -> None:
    """A proxy, a model with a table more, and one of an abstract model."""
    rush = RushOrder.objects.create(shelf="r")
    rush.minutes = 1
    rush.save()
    OrderAsSeen.objects.get(pk=rush.pk).save()
    Order.objects.get(pk=rush.pk).delete()
    parcel = Parcel.objects.create()

    assert events("kept:orders.r") == ["created", "changed", "changed", "deleted"]
    assert told("kept:orders.r")[0]["model"] == "shop.order"
    assert told("kept:parcel") == [{"event": "created", "model": "shop.parcel", "pk": str(parcel.pk)}]


def test_own_key_costs_no_look() -> None:
    """Django does not look for the row either; one with a key that was given is looked for."""
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        Parcel.objects.create()
        seen = [query["sql"].split()[0] for query in queries]
    Order(pk=7, shelf="a").save()
    Order(pk=7, shelf="b").save()

    assert seen == ["BEGIN", "INSERT"]
    assert (events("kept:orders.a"), events("kept:orders.b")) == (["created", "left"], ["changed"])


def test_failed_save_leaves_nothing_behind() -> None:
    """The next of the same object is told from where the row is."""
    order = Order.objects.create()
    order.status = None  # type: ignore[assignment]  # what fails
    with pytest.raises(IntegrityError):
        order.save()
    order.status = "paid"
    order.save()

    assert events("kept:orders.a") == ["created", "changed"]


def test_fixture_is_no_change() -> None:
    """Its rows come in any order, and before those that they point to."""
    text = '[{"model": "shop.order", "pk": 1, "fields": {"shelf": "a"}}]'
    for each in serializers.deserialize("json", text):
        each.save()

    assert events("kept:orders.a") == []


def test_models_that_do_not_broadcast_pay_nothing() -> None:
    """Nothing of this listens to them, and they are saved as ever."""
    receivers = [(signal, signal._live_receivers(Silent)[0]) for signal in (pre_save, post_save, pre_delete)]
    modules = {receiver.__module__ for _, found in receivers for receiver in found}

    assert not any(module.startswith("tandem.changes") for module in modules)
    assert models.Model.save_base is Silent.save_base


class InATestCase(TestCase):
    """A team's own tests, in a transaction that never commits."""

    def test_block_of_a_test_is_a_transaction(self) -> None:
        """Its saves are one change; outside of one each is on its own."""
        with memory():
            order = Order.objects.create(shelf="a")
            with self.captureOnCommitCallbacks() as callbacks, transaction.atomic():
                order.status = "paid"
                order.save()
                order.status = "sent"
                order.save()
            order.save()
            events = [each.data["event"] for each in published("kept:orders.a")]

        assert (len(callbacks), events) == (1, ["created", "changed", "changed"])

    def test_decorated_view_is_a_transaction_each_time(self) -> None:
        """The same block object, called again."""

        @transaction.atomic
        def view() -> None:
            Order.objects.create(shelf="a")

        with memory():
            view()
            with self.captureOnCommitCallbacks() as callbacks:
                view()

        assert len(callbacks) == 1
