"""``{% inbox_preferences %}``: the form in a page of the project's, and what it saves."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template import Context, engines
from django.test import Client, RequestFactory
from django.utils import translation

from tandem.inbox import notify
from tandem.inbox.preferences import choosing
from tests.inboxes import pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]

FORM = "/inbox/preferences/form/"


def page(who: Any) -> str:
    """A page of *who* with nothing but the form."""
    request = RequestFactory().get("/account/?tab=2")
    request.user = who
    template = engines["django"].engine.from_string("{% load tandem %}{% inbox_preferences %}")  # type: ignore[attr-defined]
    return template.render(Context({"request": request}))


def fields(html: str) -> list[tuple[str, str, str]]:
    """The form's fields: name, value, and whether it is checked or disabled."""
    found = re.findall(r'<input type="\w+" name="(\w+)" value="([^"]*)"(?: aria-label="[^"]*")?([^>]*)>', html)
    return [(name, unescape(value), more.strip()) for name, value, more in found]


def submit(who: User, html: str, *, without: str = "", also: tuple[str, str] = ("", "")) -> Any:
    """Send the form as a browser would, one box unchecked or one more checked."""
    client = Client()
    client.force_login(who)
    sent: dict[str, list[str]] = {}
    for name, value, more in fields(html):
        is_sent = name not in ("on", "muted") or more == "checked"
        if is_sent and name != "csrfmiddlewaretoken" and (name, value) != (name if name == "on" else "", without):
            sent.setdefault(name, []).append(value)
    if also[0]:
        sent.setdefault(also[0], []).append(also[1])
    return client.post(FORM, sent)


def test_form_shows_what_is_so() -> None:
    """A box for each kind and medium; what is critical is on and cannot be changed."""
    found = fields(page(user("ann")))

    assert ("next", "/account/?tab=2", "") in found
    assert ("on", "order.shipped inbox", "checked") in found
    assert ("on", "order.shipped email", "") in found
    assert ("shown", "order.shipped email", "") in found
    assert ("on", "account.breached email", "checked disabled") in found
    assert ("shown", "account.breached email", "") not in found


def test_form_saves_what_differs_and_goes_back() -> None:
    """Off what was unchecked, on what was checked, and the user's pages are told once for each."""
    ann = user("ann")
    html = page(ann)
    response = submit(ann, html, without="order.shipped inbox", also=("on", "photo.liked email"))
    media = {kind["kind"]: kind["media"] for kind in choosing.overview(ann, "")["kinds"]}
    notify(ann, "order.shipped")

    assert (response.status_code, response["Location"]) == (302, "/account/?tab=2#tandem-preferences")
    assert media["order.shipped"] == {"inbox": False, "email": False}
    assert media["photo.liked"] == {"inbox": True, "email": True}
    assert (titles(ann), len(pushed(ann, "inbox.preferred"))) == ([], 2)


def test_kind_that_was_not_shown_is_left_as_it_is() -> None:
    """It was declared after the page was written."""
    ann = user("ann")
    html = re.sub(r'<input type="hidden" name="shown" value="photo.liked \w+">', "", page(ann))
    html = re.sub(r'<input type="checkbox" name="on" value="photo.liked \w+"[^>]*>', "", html)
    submit(ann, html)

    assert {"inbox": True, "email": False} in [kind["media"] for kind in choosing.overview(ann, "")["kinds"]]
    assert pushed(ann) == []


def test_muted_thread_is_heard_again() -> None:
    """It is called what its last notification is called."""
    ann = user("ann")
    notify(ann, "photo.liked", actor="Bob", group="photo:7")
    choosing.mute(ann, "", "photo:7", is_muted=True)
    choosing.mute(ann, "", "photo:8", is_muted=True)
    html = page(ann)
    submit(ann, html.replace('value="photo:7" checked', 'value="photo:7"'))

    assert "Bob like your photo" in html
    assert choosing.overview(ann, "")["threads"] == ["photo:8"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"next": "https://evil.example/"}, "next: an address of this site"),
        ({"next": "//evil.example/"}, "next: an address of this site"),
        ({"next": "\N{BICYCLE}"}, "next: an address of this site"),
        ({"next": "account"}, "next: an address of this site"),
        ({"next": "/", "shown": "account.breached email"}, "kind: 'account.breached' is critical"),
        ({"next": "/", "shown": "nothing email", "on": "nothing email"}, "kind: 'nothing' is not declared"),
        ({"next": "/", "shown": "order.shipped pigeon", "on": "order.shipped pigeon"}, "medium: inbox, email, not"),
    ],
)
def test_what_cannot_be_is_refused(body: dict[str, str], said: str) -> None:
    """Also where part of it could be: nothing is saved."""
    ann = user("ann")
    client = Client()
    client.force_login(ann)
    response = client.post(FORM, {**body, "shown": ["order.shipped email", body.get("shown", "x y")], "on": [
        "order.shipped email", *([body["on"]] if "on" in body else []),
    ]})  # fmt: skip

    assert response.status_code == 400
    assert said in response.content.decode()
    assert pushed(ann) == []


def test_who_is_not_logged_in() -> None:
    """Gets no form, and is sent to log in where he sends one."""
    response = Client().post(FORM, {"next": "/"})

    assert page(AnonymousUser()) == ""
    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_form_of_another_site_is_refused() -> None:
    """As everywhere in Django."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(user("ann"))

    assert client.post(FORM, {"next": "/"}).status_code == 403
    assert client.get(FORM).status_code == 405


def test_form_in_the_language_of_the_request() -> None:
    """German comes with the package."""
    ann = user("ann")
    with translation.override("de"):
        html = page(ann)

    assert "Speichern" in html
    assert ">E-Mail</th>" in html
