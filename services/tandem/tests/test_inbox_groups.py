"""Groups: one notification for several events, whose number is that of its members."""

from __future__ import annotations

import pytest

from tandem.inbox import notify, retract
from tandem.inbox.models import Member, Notification
from tests.inbox_browser import Browser
from tests.inboxes import inbox, numbers, pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


def test_group_is_one_notification_and_its_number() -> None:
    """It goes on top and is unseen again with each event."""
    ann = user("ann")
    for number in range(25):
        notify(ann, "photo.liked", actor=f"User {number}", group="photo:7")
    notify(ann, "order.shipped", title="between")
    Browser(ann).post("mark/", {"as": "seen", "ids": [item["id"] for item in inbox(ann)]})
    notify(ann, "photo.liked", actor="Zoe", group="photo:7")
    items = inbox(ann)

    assert [item["title"] for item in items] == ["Zoe and 25 others like your photo", "between"]
    assert (items[0]["count"], items[0]["thread"], items[0]["seen"]) == (26, "photo:7", False)
    assert numbers(ann) == (1, 2)
    assert len({push["item"]["id"] for push in pushed(ann, "inbox.notified")}) == 2
    assert pushed(ann)[-1]["item"] == items[0]


def test_read_closes_a_group_and_the_next_event_opens_another() -> None:
    """Also where it was archived."""
    ann = user("ann")
    browser = Browser(ann)
    for state in ("read", "archived"):
        notify(ann, "photo.liked", actor="Bob", group="photo:7")
        browser.post("mark/", {"as": state, "ids": [inbox(ann)[0]["id"]]})
    notify(ann, "photo.liked", actor="Cleo", group="photo:7")

    assert titles(ann) == ["Cleo like your photo", "Bob like your photo"]
    assert numbers(ann) == (1, 1)


def test_repeat_of_an_event_counts_once() -> None:
    """In the group that has it, and when that is closed."""
    ann = user("ann")
    for _ in range(3):
        notify(ann, "photo.liked", actor="Bob", group="photo:7", idempotency_key="like:1")
    notify(ann, "photo.liked", actor="Cleo", group="photo:7", idempotency_key="like:2")
    Browser(ann).post("mark/", {"as": "read", "ids": [inbox(ann)[0]["id"]]})
    notify(ann, "photo.liked", actor="Bob", group="photo:7", idempotency_key="like:1")

    assert titles(ann) == ["Cleo and 1 others like your photo"]
    assert (numbers(ann), Member.objects.count()) == ((0, 0), 2)


def test_kinds_do_not_share_a_group() -> None:
    """A thread may have notifications of several kinds."""
    ann = user("ann")
    notify(ann, "photo.liked", actor="Bob", group="photo:7")
    notify(ann, "account.breached", group="photo:7")

    assert titles(ann) == ["Somebody logged in", "Bob like your photo"]


def test_retracted_event_leaves_its_group() -> None:
    """The number goes down, and the latest that is left is shown; with the last the group is gone."""
    ann = user("ann")
    liked = [notify(ann, "photo.liked", actor=name, group="photo:7") for name in ("Bob", "Cleo", "Dora")]
    retract(liked[2])
    without_last = titles(ann)
    retract(liked[0])
    alone = titles(ann)
    retract(liked[1])

    assert (without_last, alone, titles(ann)) == (["Cleo and 1 others like your photo"], ["Cleo like your photo"], [])
    assert (numbers(ann), Notification.objects.get().box) == ((0, 0), Notification.Box.GONE)
    assert [push["type"] for push in pushed(ann)[3:]] == ["inbox.edited", "inbox.edited", "inbox.retracted"]
