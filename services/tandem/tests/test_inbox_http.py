"""The inbox over HTTP: pages, marks and preferences of the session's user."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

import tandem
from tandem.inbox import EVERYONE, notify
from tests.inbox_browser import Browser
from tests.inboxes import pushed, titles

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


def test_list_has_all_that_a_page_needs(ann: User, browser: Browser) -> None:
    """Items, state, categories and where changes come from."""
    notify(ann, "order.shipped", data={"number": 7})
    answer = browser.get()

    assert [item["title"] for item in answer["items"]] == ["Order 7 is on its way"]
    assert (answer["next"], answer["state"]["version"]) == (None, [1, 0])
    assert answer["channels"] == {"own": f"notifications:#{ann.pk}", "shared": "inbox:everyone"}
    assert answer["categories"] == {"orders": "Orders", "photos": "Photos"}
    assert browser.get("counts/")["state"] == answer["state"]


def test_a_list_says_from_where_to_subscribe(ann: User, browser: Browser) -> None:
    """The positions are from before the rows; in a transaction that began earlier nobody knows."""
    notify(ann, "order.shipped", data={"number": 7})
    answer = browser.get()
    with transaction.atomic():
        in_transaction = browser.get()["positions"]

    positions = {place: str(tandem.position(channel)) for place, channel in answer["channels"].items()}
    assert answer["positions"] == positions
    assert positions["own"].endswith(":1")
    assert in_transaction == {"own": None, "shared": None}


def test_pages_have_everything_once(ann: User, browser: Browser) -> None:
    """Own ones and announcements, in the order of their time, while more arrive."""
    for number in range(10):
        notify(EVERYONE if number % 3 == 1 else ann, "order.shipped", title=str(number))
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = browser.get(limit=3, cursor=cursor)
        seen += [item["title"] for item in answer["items"]]
        cursor = answer["next"]
        notify(ann, "order.shipped", title="later")

    assert seen == [str(number) for number in reversed(range(10))]


def test_filters(ann: User, browser: Browser) -> None:
    """Unseen, unread, archived, by category."""
    notify(ann, "order.shipped", title="order")
    notify(ann, "photo.liked", title="photo")
    notify(EVERYONE, "order.shipped", title="all")
    names = {item["title"]: item["id"] for item in browser.get()["items"]}
    browser.post("mark/", {"as": "seen", "ids": [names["order"]]})
    browser.post("mark/", {"as": "read", "ids": [names["photo"]]})
    browser.post("mark/", {"as": "archived", "ids": [names["all"]]})

    def found(**query: Any) -> list[str]:
        return [item["title"] for item in browser.get(**query)["items"]]

    assert found() == ["photo", "order"]
    assert found(unseen=1) == []
    assert found(unread=1) == ["order"]
    assert found(archived=1) == ["all"]
    assert found(category="orders") == ["order"]
    assert found(category="photos", unread=1) == []


def test_marks_change_counts_and_are_told(ann: User, browser: Browser) -> None:
    """Each with the state after it; a repeat changes nothing and tells nobody."""
    notify(ann, "order.shipped", title="one")
    notify(EVERYONE, "order.shipped", title="all")
    ids = [item["id"] for item in browser.get()["items"]]
    counted = []
    for state in ("seen", "read", "read", "unread", "archived", "unarchived"):
        answer = browser.post("mark/", {"as": state, "ids": ids})["state"]
        assert answer == browser.get("counts/")["state"]
        counted.append((state, answer["unseen"], answer["unread"], answer["version"]))
    told = [(push["set"], push["ids"]) for push in pushed(ann, "inbox.changed")]

    assert counted == [
        ("seen", 0, 2, [2, 1]),
        ("read", 0, 0, [3, 1]),
        ("read", 0, 0, [3, 1]),
        ("unread", 0, 2, [4, 1]),
        ("archived", 0, 0, [5, 1]),
        ("unarchived", 0, 2, [6, 1]),
    ]
    assert told[0] == ({"seen": True}, ids)


@pytest.mark.parametrize("state", ["seen", "read", "archived"])
def test_mark_all_is_of_what_was_shown(ann: User, browser: Browser, state: str) -> None:
    """What came since, also while the request was on its way, stays."""
    notify(ann, "order.shipped", title="shown")
    notify(EVERYONE, "order.shipped", title="shown to all")
    shown = browser.get()["state"]["version"]
    notify(ann, "order.shipped", title="new")
    notify(EVERYONE, "order.shipped", title="new for all")
    answer = browser.post("mark/", {"as": state, "up_to": shown})

    assert (answer["state"]["unseen"], answer["state"]["unread"]) == (2, 4 if state == "seen" else 2)
    assert answer["state"] == browser.get("counts/")["state"]
    assert pushed(ann, "inbox.changed")[0]["up_to"] == shown
    unseen = [item["title"] for item in browser.get(unseen=1)["items"]]
    assert unseen == ["new for all", "new"]


def test_mark_all_of_a_category_leaves_the_others(ann: User, browser: Browser) -> None:
    """Own ones and announcements."""
    for kind in ("order.shipped", "photo.liked"):
        notify(ann, kind, title=kind)
        notify(EVERYONE, kind, title=f"{kind} for all")
    shown = browser.get()["state"]["version"]
    answer = browser.post("mark/", {"as": "read", "up_to": shown, "category": "photos"})
    unread = [item["title"] for item in browser.get(unread=1)["items"]]

    assert answer["state"]["unread"] == 2
    assert unread == ["order.shipped for all", "order.shipped"]


def test_announcement_read_before_all_and_unread_again(ann: User, browser: Browser) -> None:
    """The single ones are kept while all up to a number were read."""
    for number in range(4):
        notify(EVERYONE, "order.shipped", title=str(number))
    shown = browser.get()["state"]["version"]
    browser.post("mark/", {"as": "read", "up_to": shown})
    answer = browser.post("mark/", {"as": "unread", "ids": ["a2"]})

    assert answer["state"]["unread"] == 1
    assert [item["id"] for item in browser.get(unread=1)["items"]] == ["a2"]


def test_preferences_are_kept_and_honoured(ann: User, browser: Browser) -> None:
    """A kind off, a thread muted; what is critical comes all the same."""
    before = {each["kind"]: each for each in browser.get("preferences/")["kinds"]}
    browser.post("preferences/", {"kind": "order.shipped", "medium": "inbox", "on": False})
    after = browser.post("preferences/", {"thread": "photo:7", "on": False})
    notify(ann, "order.shipped")
    notify(ann, "photo.liked", actor="Bob", group="photo:7")
    notify(ann, "photo.liked", actor="Bob", group="photo:8")
    notify(ann, "account.breached", group="photo:7")
    told = titles(ann)
    browser.post("preferences/", {"thread": "photo:7", "on": True})
    browser.post("preferences/", {"kind": "order.shipped", "medium": "inbox", "on": True})
    notify(ann, "order.shipped", data={"number": 8})
    notify(ann, "photo.liked", actor="Bob", group="photo:7")

    assert before["order.shipped"]["media"]["inbox"] is True
    assert before["account.breached"]["critical"] is True
    assert {each["kind"]: each["media"]["inbox"] for each in after["kinds"]}["order.shipped"] is False
    assert after["threads"] == ["photo:7"]
    assert told == ["Somebody logged in", "Bob like your photo"]
    assert len(titles(ann)) == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "account.breached", "medium": "inbox", "on": False}, "kind"),
        ({"kind": "nothing", "medium": "inbox", "on": False}, "kind"),
        ({"kind": "order.shipped", "medium": "pigeon", "on": False}, "medium"),
        ({"kind": "order.shipped", "on": False}, "kind"),
        ({"thread": "", "on": False}, "thread"),
        ({"thread": "x" * 256, "on": False}, "group"),
        ({"thread": "x", "kind": "order.shipped", "on": False}, "kind"),
    ],
)
def test_preference_that_cannot_be(browser: Browser, body: Any, field: str) -> None:
    """400, and the field."""
    assert browser.post("preferences/", body, 400)["field"] == field
