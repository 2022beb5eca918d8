"""The inbox over HTTP: the session's user and nobody else, pages, marks, preferences, and whatever is malformed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from jsonschema import Draft202012Validator

import tandem
from rig.overrides import override_tandem
from tandem.inbox import EVERYONE, notify
from tandem.inbox.web import shapes
from tandem.inbox.web.openapi import description
from tests.inboxes import numbers, pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]

SHAPES = {
    "/inbox/": shapes.ListAnswer,
    "/inbox/counts/": shapes.CountsAnswer,
    "/inbox/mark/": shapes.MarkAnswer,
    "/inbox/preferences/": shapes.PreferencesAnswer,
}


class Browser:
    """Somebody's browser; what it gets must have the form that the OpenAPI page says."""

    def __init__(self, who: User) -> None:
        self.client = Client()
        self.client.force_login(who)

    def get(self, path: str = "", status: int = 200, **query: Any) -> Any:
        """Return the JSON at *path*."""
        return self._read(f"/inbox/{path}", self.client.get(f"/inbox/{path}", query), status)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """Return what *path* answers to *body*."""
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return self._read(f"/inbox/{path}", self.client.post(f"/inbox/{path}", text, "application/json"), status)

    def _read(self, path: str, response: Any, status: int) -> Any:
        assert response.status_code == status, response.content
        shape = SHAPES.get(path, shapes.ItemAnswer) if status == 200 else shapes.Refusal
        msgspec.json.decode(response.content, type=shape)
        assert "no-store" in response["Cache-Control"]
        return response.json()


@pytest.fixture
def ann() -> User:
    """Whose inbox it is."""
    return user("ann")


@pytest.fixture
def browser(ann: User) -> Browser:
    """Her browser."""
    return Browser(ann)


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


def test_another_s_is_not_there(ann: User, browser: Browser) -> None:
    """404, as for what never was; of several none is marked."""
    bob = user("bob")
    notify(bob, "order.shipped", title="his")
    notify(ann, "order.shipped", title="hers")
    his, hers = Browser(bob).get()["items"][0]["id"], browser.get()["items"][0]["id"]
    for name in (his, "999999", "a1", "x", "a", "-1", "1.0", "9" * 30, "\u0661", " ", "a-1"):
        browser.get(f"items/{name}/", 404)
        browser.post("mark/", {"as": "read", "ids": [hers, name]}, 404)

    assert browser.get(f"items/{hers}/")["item"]["title"] == "hers"
    assert (numbers(ann), numbers(bob)) == ((1, 1), (1, 1))


def test_another_tenant_s_is_not_there(ann: User) -> None:
    """Also when it is the same user."""
    with override_tandem(inbox_tenant=lambda request: request.headers.get("X-Tenant", "")):
        notify(ann, "order.shipped", title="acme's", tenant="acme")
        browser = Browser(ann)
        browser.get("", 200)
        [item] = browser.client.get("/inbox/", headers={"X-Tenant": "acme"}).json()["items"]
        browser.get(f"items/{item['id']}/", 404)
        channels = browser.client.get("/inbox/counts/", headers={"X-Tenant": "acme"}).json()["channels"]

    assert channels["shared"] == "inbox:everyone/acme"


@pytest.mark.parametrize(
    ("path", "method"),
    [("", "get"), ("counts/", "get"), ("items/1/", "get"), ("mark/", "post"), ("preferences/", "get")],
)
def test_nobody_logged_in(path: str, method: str) -> None:
    """JSON, and no login page."""
    response = getattr(Client(), method)(f"/inbox/{path}")

    assert (response.status_code, response.json()) == (401, {"error": "unauthorized"})


@pytest.mark.parametrize("path", ["mark/", "preferences/"])
def test_foreign_page_cannot_mark(ann: User, path: str) -> None:
    """Without the CSRF token: 403, and nothing is changed."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    response = client.post(f"/inbox/{path}", "{}", "application/json")

    assert response.status_code == 403


@pytest.mark.parametrize(("path", "method"), [("mark/", "get"), ("", "post"), ("counts/", "delete")])
def test_wrong_method(ann: User, path: str, method: str) -> None:
    """405 with what is allowed."""
    response = getattr(Browser(ann).client, method)(f"/inbox/{path}")

    assert response.status_code == 405
    assert response["Allow"] == ("POST" if path == "mark/" else "GET")


QUERIES = [
    ("limit", "0"),
    ("limit", "101"),
    ("limit", "x"),
    ("limit", "\u0661"),
    ("limit", "9" * 40),
    ("cursor", "x"),
    ("cursor", "W10"),
    ("cursor", "WzEsMiwzXQ"),
    ("cursor", "WzEsLTFd"),
    ("cursor", "Wy0xLDFd"),
    ("cursor", "WzFlMzAsMV0"),
    ("cursor", "e30"),
    ("unseen", "yes"),
    ("category", "x" * 51),
    ("category", "a\0b"),
    ("page", "2"),
]


@pytest.mark.parametrize(("name", "text"), QUERIES)
def test_malformed_query(browser: Browser, name: str, text: str) -> None:
    """400, and the parameter."""
    assert browser.get(status=400, **{name: text})["field"] == name


BODIES: list[Any] = [
    b"",
    b"\xff",
    "[]",
    "{",
    "[" * 100_000,
    {},
    {"as": "gone", "ids": ["1"]},
    {"as": "read"},
    {"as": "read", "ids": []},
    {"as": "read", "ids": "1"},
    {"as": "read", "ids": [1]},
    {"as": "read", "ids": ["1"] * 501},
    {"as": "read", "ids": ["1"], "up_to": [1, 1]},
    {"as": "read", "ids": ["1"], "category": "x"},
    {"as": "read", "ids": ["1"], "user": 2},
    {"as": "unread", "up_to": [1, 1]},
    {"as": "read", "up_to": [1]},
    {"as": "read", "up_to": [-1, 0]},
    {"as": "read", "up_to": [2**63, 0]},
    {"as": "read", "up_to": [True, 0]},
    {"as": "read", "up_to": [1, 0], "category": "a\0b"},
    {"as": "read", "up_to": [1, 0], "category": "x" * 51},
    '{"as": "read", "up_to": [1, 0], "category": "\\ud800"}',
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_malformed_mark(browser: Browser, body: Any) -> None:
    """400, and why."""
    assert browser.post("mark/", body, 400)["error"].startswith("bad request: ")


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


def test_openapi_page_has_every_route(ann: User) -> None:
    """And tells nothing of anybody: who is not logged in may read it."""
    page = Client().get("/inbox/openapi.json").json()

    assert page == json.loads(json.dumps(description("/inbox/")))
    assert set(page["paths"]) == {"/", "/counts/", "/items/{id}/", "/mark/", "/preferences/"}
    assert page["servers"] == [{"url": "/inbox"}]


@pytest.mark.parametrize(
    ("name", "body", "is_right"),
    [
        ("Mark", {"as": "read", "ids": ["o1"]}, True),
        ("Mark", {"as": "read", "ids": ["o1"], "up_to": None}, True),
        ("Mark", {"as": "read", "up_to": [1, 2]}, True),
        ("Mark", {"as": "read"}, False),
        ("Mark", {"as": "read", "ids": None, "up_to": None}, False),
        ("Mark", {"as": "read", "ids": ["o1"], "up_to": [1, 2]}, False),
        ("Choice", {"on": True, "kind": "order.shipped", "medium": "email"}, True),
        ("Choice", {"on": True, "thread": "x"}, True),
        ("Choice", {"on": True}, False),
        ("Choice", {"on": True, "kind": "order.shipped"}, False),
        ("Choice", {"on": True, "kind": "order.shipped", "medium": "email", "thread": "x"}, False),
    ],
)
def test_openapi_page_says_which_fields_go_together(name: str, body: dict[str, Any], is_right: bool) -> None:
    """As the views do, which refuse what has both sides or neither."""
    schemas = description("/inbox/")["components"]["schemas"]

    assert Draft202012Validator(schemas[name]).is_valid(body) == is_right
