"""Messages to many: fixed in the transaction, brought in batches, to nobody twice."""

from __future__ import annotations

import threading
import time

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tandem.chores import chores
from tandem.inbox import EVERYONE, edit, notify, retract, work
from tandem.inbox.models import Bulk, BulkRecipient, Mailbox, Notification
from tandem.inbox.sending import bulk, changing, notifying
from tandem.outbox.worker import Worker
from tandem.testing import published
from tests.inboxes import titles

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten are many, and a batch has seven."""
    monkeypatch.setattr(notifying, "AT_ONCE", 10)
    monkeypatch.setattr(changing, "AT_ONCE", 10)
    monkeypatch.setattr(bulk, "BATCH", 7)


@pytest.fixture
def crowd() -> list[User]:
    """Fifty users."""
    return User.objects.bulk_create(User(username=f"user{number}") for number in range(50))


def everything() -> None:
    """Do all that there is for the workers."""
    while work.bring_to_many():
        pass


def pushes() -> list[str]:
    """Return which channels were told of something new, in order."""
    return sorted(each.channel for each in published() if each.data["type"] == "inbox.notified")


@pytest.mark.parametrize("form", ["queryset", "list"])
def test_everybody_has_it_once(crowd: list[User], form: str) -> None:
    """Nothing is there before the worker comes, all of it after; each push once."""
    users = User.objects.order_by("username") if form == "queryset" else [*crowd, *crowd]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        notify(users, "order.shipped", title="many")
    before = Notification.objects.count(), BulkRecipient.objects.count()
    everything()
    inserts = [each["sql"] for each in queries if "bulkrecipient" in each["sql"] and each["sql"].startswith("INSERT")]

    assert len(inserts) == 1
    assert ("SELECT" in inserts[0]) == (form == "queryset")
    assert before == (0, 50)
    assert (Notification.objects.count(), BulkRecipient.objects.count(), Bulk.objects.count()) == (50, 0, 0)
    assert pushes() == sorted(f"notifications:#{each.pk}" for each in crowd)
    assert set(Mailbox.objects.values_list("version", "unseen", "unread")) == {(1, 1, 1)}


def test_rolled_back_reaches_nobody(crowd: list[User]) -> None:
    """No row is left for the worker."""
    with transaction.atomic():
        notify(User.objects.all(), "order.shipped", title="never")
        transaction.set_rollback(True)
    everything()

    assert (Bulk.objects.count(), BulkRecipient.objects.count(), published()) == (0, 0, [])


def test_who_is_among_them_is_fixed_when_it_is_sent(crowd: list[User]) -> None:
    """Who comes later is not among them, who goes meanwhile is left out."""
    notify(User.objects.all(), "order.shipped", title="many")
    User.objects.create(username="late")
    User.objects.filter(pk=crowd[3].pk).delete()
    everything()

    assert Notification.objects.count() == 49


def test_repeat_with_the_same_key_reaches_nobody_twice(crowd: list[User]) -> None:
    """While it is on its way, and afterwards."""
    for _ in range(2):
        notify(User.objects.all(), "order.shipped", title="many", idempotency_key="campaign")
    work.bring_to_many()
    notify(User.objects.all(), "order.shipped", title="many", idempotency_key="campaign")
    everything()
    notify(User.objects.all(), "order.shipped", title="many", idempotency_key="campaign")
    everything()

    assert (Notification.objects.count(), len(pushes())) == (50, 50)


def test_batch_that_fails_leaves_it_as_it_was(crowd: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    """The next round brings it; nobody has it twice."""
    notify(User.objects.all(), "order.shipped", title="many")
    real = bulk.deliver
    calls: list[int] = []

    def failing(*args: object, **kwargs: object) -> object:
        calls.append(1)
        result = real(*args, **kwargs)
        if len(calls) % 2:
            raise RuntimeError("killed")
        return result

    monkeypatch.setattr(bulk, "deliver", failing)
    for _ in range(20):
        work.bring_to_many()

    assert (Notification.objects.count(), len(pushes()), Bulk.objects.count()) == (50, 50, 0)


def test_edit_and_retract_reach_them_all(crowd: list[User]) -> None:
    """Through the worker; who has not got it yet gets it edited, or not at all."""
    message = notify(User.objects.all(), "order.shipped", title="many")
    everything()
    edit(message, title="edited")
    everything()
    edited = [each.data["item"]["title"] for each in published() if each.data["type"] == "inbox.edited"]
    retract(message)
    everything()
    other = notify(User.objects.all(), "order.shipped", title="other")
    work.bring_to_many()
    retract(other)
    everything()

    assert edited == ["edited"] * 50
    assert titles(crowd[0]) == []
    assert set(Mailbox.objects.values_list("unseen", "unread")) == {(0, 0)}
    assert (Bulk.objects.count(), BulkRecipient.objects.count()) == (0, 0)


def test_worker_does_it_by_itself(crowd: list[User]) -> None:
    """The inbox's work is among that of every worker."""
    worker = Worker(interval=0.05, chores=chores)
    thread = threading.Thread(target=worker.run)
    notify(User.objects.all(), "order.shipped", title="many")
    everything()
    thread.start()
    notify(EVERYONE, "order.shipped", title="all")
    deadline = time.monotonic() + 10
    while Bulk.objects.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    worker.stop()
    thread.join(10)

    assert set(work.CHORES) <= set(chores)
    assert not Bulk.objects.exists()
