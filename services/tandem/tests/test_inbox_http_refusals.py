"""What the inbox's routes refuse: other people's items, other sites' pages, and whatever is malformed."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from rig.overrides import override_tandem
from tandem.inbox import notify
from tests.inbox_browser import Browser
from tests.inboxes import numbers, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


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
