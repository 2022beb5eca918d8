"""The pages, as a browser without JavaScript sees them."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from pytest_django import Settings

import tandem
from api.counters.models import Counter

pytestmark = pytest.mark.django_db


def page(client: Client, path: str) -> str:
    """The HTML at *path*."""
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", ["/", "/counter/", "/counter/demo/", "/increment/", "/increment/demo/"])
def test_value_is_in_the_page(client: Client, path: str) -> None:
    """The number needs no script."""
    Counter.objects.update(value=4711)

    assert ">4711<" in page(client, path)


@pytest.mark.parametrize("path", ["/", "/counter/", "/increment/", "/admin/login/", "/api/docs"])
def test_nothing_inline_and_nothing_from_elsewhere(client: Client, path: str) -> None:
    """Every page keeps its own policy: no inline script or style that the policy would block."""
    answer = client.get(path)
    scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", answer.content.decode())

    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert scripts == []
    assert " style=" not in answer.content.decode()


def test_counter_page_says_where_to_subscribe_from(client: Client) -> None:
    """Channel, position and version are in the page, and tandem.js with its configuration."""
    html = page(client, "/counter/")
    data = dict(re.findall(r'data-([a-z]+)="([^"]*)"', html))

    assert data == {
        "state": "static",
        "source": "/api/counters/demo/",
        "channel": "public:counter.demo",
        "position": str(tandem.position("public:counter.demo")),
        "version": "0",
        "digits": "few",
    }
    assert '<script id="tandem-config" type="application/json">' in html


@pytest.mark.usefixtures("redis_down")
def test_counter_page_without_redis(client: Client) -> None:
    """The page has the value and no position."""
    assert 'data-position=""' in page(client, "/counter/")


def test_counter_page_reloads_itself_without_javascript(client: Client) -> None:
    """A refresh stands in for what a script would do."""
    assert '<noscript><meta http-equiv="refresh"' in page(client, "/counter/")


def test_pages_poll_where_there_is_no_realtime_service(client: Client, settings: Settings) -> None:
    """There is nothing to subscribe to, and no light that could be on."""
    settings.TANDEM_REALTIME_ENABLED = False
    html = page(client, "/counter/")

    assert 'data-channel=""' in html
    assert "<tandem-status" not in html


def test_button_works_without_javascript(client: Client) -> None:
    """POST, redirect, GET: reloading the page presses nothing."""
    answer = client.post("/increment/", {"by": "10"})

    assert (answer.status_code, answer["Location"]) == (302, "/increment/")
    assert ">10<" in page(client, "/increment/")


@pytest.mark.parametrize("by", ["0", "", "x", "1.5", "9223372036854775808"])
def test_bad_step_is_told_on_the_page(client: Client, by: str) -> None:
    """422, and the reason beside the form."""
    answer = client.post("/increment/", {"by": by})

    assert answer.status_code == 422
    assert re.search(r'role="alert">[^<]+</p>', answer.content.decode())
    assert Counter.objects.get().value == 0


def test_overflow_is_told_on_the_page(client: Client) -> None:
    """422, and the value as it was."""
    Counter.objects.update(value=2**63 - 1)
    answer = client.post("/increment/", {"by": "1"})

    assert answer.status_code == 422
    assert "the sum does not fit into 64 bits" in answer.content.decode()
    assert Counter.objects.get().value == 2**63 - 1


def test_button_is_protected_from_other_sites() -> None:
    """A POST without the form's token is refused."""
    assert Client(enforce_csrf_checks=True).post("/increment/", {"by": "1"}).status_code == 403


@pytest.mark.parametrize("path", ["/counter/nobody/", "/increment/nobody/", "/elsewhere/", "/metrics"])
def test_unknown_page_is_404(client: Client, path: str) -> None:
    """With a page that leads back, also for what is never behind the edge."""
    answer = client.get(path)

    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()


def test_unknown_counter_cannot_be_incremented(client: Client) -> None:
    """A POST to a counter that is not there is a 404, too."""
    assert client.post("/increment/nobody/", {"by": "1"}).status_code == 404
