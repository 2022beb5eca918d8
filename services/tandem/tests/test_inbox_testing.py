"""``tandem.testing.notified``: for a team's own tests."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tandem.inbox import EVERYONE, notify
from tandem.testing import Notified, notified
from tests.inboxes import user

pytestmark = pytest.mark.usefixtures("tandem_memory")


@pytest.mark.django_db
def test_inside_of_the_test_s_transaction() -> None:
    """What was said to him, to many and to all, the first first."""
    ann = user("ann")
    User.objects.bulk_create(User(username=f"user{number}") for number in range(120))
    notify(ann, "order.shipped", data={"number": 7}, url="/orders/7/")
    notify(EVERYONE, "order.shipped", title="all")
    notify(User.objects.all(), "photo.liked", title="many")

    assert [each.title for each in notified(ann)] == ["Order 7 is on its way", "all", "many"]
    assert notified(ann, "photo.liked") == [Notified("photo.liked", "many", "", "", None, 1)]
    assert notified(ann)[0] == Notified("order.shipped", "Order 7 is on its way", "", "/orders/7/", {"number": 7}, 1)
