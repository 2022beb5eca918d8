"""Every field of every form, with what nobody should send: nothing is run or breaks, and what is wrong is said."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from api.counters.models import Counter

pytestmark = pytest.mark.django_db

NASTY = {
    "script": "<script>alert(1)</script>",
    "quotes": "\"'><img src=x onerror=alert(1)>",
    "10 KB": "x" * 10_240,
    "emoji": "\N{BICYCLE}\N{ZERO WIDTH JOINER}\N{SPARKLES}",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}שלום",
}
PAGES = ["/", "/increment/", "/notifications/", "/admin/login/"]
HIDDEN = "csrfmiddlewaretoken"  # the middleware's, tested as such


class Forms(HTMLParser):
    """The forms that POST on a page, each by its action with its fields as a browser would send them."""

    def __init__(self, path: str, html: str) -> None:
        super().__init__()
        self.path = path
        self.found: list[tuple[str, dict[str, str]]] = []
        self.select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a form goes, and what each of its fields has."""
        said = dict(attrs)
        if tag == "form" and said.get("method") == "post":
            self.found.append((said.get("action") or self.path, {}))
        elif tag == "select":
            self.select = said.get("name") or ""
        elif tag == "option" and self.found:
            self.found[-1][1].setdefault(self.select, said.get("value") or "")
        elif tag in ("input", "button", "textarea") and self.found and said.get("name") not in (None, HIDDEN):
            self.found[-1][1].setdefault(str(said["name"]), said.get("value") or "")


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    """No login has failed yet."""
    cache.clear()


@pytest.fixture(params=["visitor", "Ada"])
def browser(request: pytest.FixtureRequest) -> Client:
    """A browser that tells of a 500 as anybody's does."""
    client = Client(raise_request_exception=False)
    if request.param == "Ada":
        assert client.post("/sign-in/", {"name": "ada"}).status_code == 302
    return client


def forms_of(browser: Client) -> list[tuple[str, dict[str, str]]]:
    """Each form that this browser is shown: its action, its fields."""
    pages = {path: browser.get(path) for path in PAGES}
    return [
        form
        for path, page in pages.items()
        if page.status_code == 200
        for form in Forms(path, page.content.decode()).found
    ]


def complaint(answer: Any) -> str:
    """Return what is wrong with an answer to a form; empty if the form was accepted, or says why not."""
    text = answer.content.decode()
    if answer.status_code == 302:
        return "" if re.match("/(?!/)", answer["Location"]) else f"leads to {answer['Location']!r}"
    if answer.status_code == 400 and answer.headers["Content-Type"].startswith("text/plain"):
        return "" if text.strip() and answer.headers["X-Content-Type-Options"] == "nosniff" else "nothing is said"
    if runs(text):
        return "it is on the page as it came"
    says = {422: r'role="alert">\w', 200: r'class="errornote">\s*\w'}.get(answer.status_code)
    return "" if says and re.search(says, text) else f"{answer.status_code} says nothing"


def runs(html: str) -> bool:
    """Tell whether something of what was sent stands in a page as HTML."""
    return "<script>alert" in html or "<img src=x" in html


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_every_field_bears_it(browser: Client, text: str) -> None:
    """The form is accepted, or its page says what is wrong; the pages are there afterwards, and run nothing."""
    forms = forms_of(browser)
    complaints: dict[tuple[str, str], str] = {}
    for action, fields in forms:
        for name in fields:
            found = complaint(browser.post(action, fields | {name: text}))
            complaints |= {(action, name): found} if found else {}
            if action == "/sign-in/":
                browser.logout()
    shown = [browser.get(path).content.decode() for path in PAGES]

    assert complaints == {}
    assert [html for html in shown if runs(html)] == []


def test_the_forms_are_all_of_them(client: Client) -> None:
    """What the test above goes through: a form that it does not find is not tested."""
    visitors = {(action, *fields) for action, fields in forms_of(client)}
    client.post("/sign-in/", {"name": "ada"})
    adas = {(action, *fields) for action, fields in forms_of(client)}

    assert visitors == {
        ("/sign-in/", "name"),
        ("/press/",),
        ("/ship/", "pk"),
        ("/order/", "what"),
        ("/increment/", "by"),
        ("/admin/login/", "username", "password", "next"),
    }
    assert adas - visitors == {
        ("/sign-out/",),
        ("/greet/", "to"),
        ("/notifications/", "to", "words"),
        ("/inbox/preferences/form/", "next", "on", "shown"),
    }


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
def test_the_admin_bears_it(text: str) -> None:
    """As the name of a counter, and as what was ordered."""
    staff = Client(raise_request_exception=False)
    staff.force_login(User.objects.create_superuser("root"))
    answers = [
        staff.post("/admin/counters/counter/add/", {"name": text, "value": "1"}),
        staff.post("/admin/orders/order/add/", {"what": text}),
        staff.get("/admin/counters/counter/", {"q": text}),
    ]

    assert [answer.status_code for answer in answers if answer.status_code not in (200, 302, 403)] == []
    assert [answer for answer in answers if runs(answer.content.decode())] == []
    assert not Counter.objects.filter(name=text).exists()


def test_thousands_of_fields(client: Client) -> None:
    """Django refuses them; the page is ours, and programs get JSON."""
    fields = {f"field{number}": "x" for number in range(1_001)}
    page, told = client.post("/order/", fields), client.post("/api/counters/demo/increment/", fields)

    assert page.status_code == 400
    assert "That was not understood" in page.content.decode()
    assert (told.status_code, told.headers["Content-Type"]) == (400, "application/json; charset=utf-8")


def test_a_script_is_told_of_a_form_without_cookies() -> None:
    """A sentence, where a browser gets a page."""
    answer = Client(enforce_csrf_checks=True).post("/press/", headers={"Accept": "application/json"})

    assert answer.status_code == 403
    assert "your browser keeps no cookies" in answer.json()["problem"]
