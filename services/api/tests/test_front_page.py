"""The front page, as a browser without JavaScript sees it, and what its forms do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from api.counters.models import Counter
from api.front.excerpts import EXCERPTS, excerpt
from api.orders.models import Order
from tandem.inbox.models import Notification
from tandem.publisher import publish

pytestmark = pytest.mark.django_db
SCRIPT = {"HTTP_ACCEPT": "application/json"}
NASTY = {
    "script": "<script>alert(1)</script>",
    "emoji": "\N{BICYCLE}\N{ZERO WIDTH JOINER}\N{SPARKLES}",
    "right to left": "\N{RIGHT-TO-LEFT OVERRIDE}שלום",
}


@pytest.fixture
def ada(client: Client) -> Client:
    """A browser in which somebody pressed Ada."""
    assert client.post("/sign-in/", {"name": "ada"}).status_code == 302
    return client


def test_it_says_what_it_is_and_works_without_javascript(client: Client) -> None:
    """The number, the orders, the forms and the sentence are HTML."""
    html = client.get("/").content.decode()

    assert "Real-time for Django" in html
    assert "<b>Two saddles</b>" in html
    assert re.findall(r'action="/([a-z-]+)/"', html) == ["sign-in", "press", "ship", "order"]
    assert "<noscript>" in html


def test_one_press_signs_in(ada: Client) -> None:
    """And the page has the bell, who is here, and greetings."""
    html = ada.get("/").content.decode()

    assert "<tandem-inbox" in html
    assert 'channel="desk:front"' in html
    assert 'action="/greet/"' in html
    assert not User.objects.get().has_usable_password()


@pytest.mark.parametrize("own", [{"is_staff": True}, {"is_superuser": True}, {"is_active": False}, {"password": "x"}])
def test_a_visitor_does_not_become_a_colleague(client: Client, own: dict[str, Any]) -> None:
    """An account called Ada that is somebody's own is refused, in words."""
    User.objects.create_user("ada", **own)
    answer = client.post("/sign-in/", {"name": "ada"})

    assert answer.status_code == 403
    assert "taken by somebody" in answer.content.decode()
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("name", ["", "admin", "ada' OR 1=1", "a" * 10_000])
def test_nobody_else_can_be_signed_in_as(client: Client, name: str) -> None:
    """The form knows two names."""
    assert client.post("/sign-in/", {"name": name}).status_code == 422
    assert not User.objects.exists()


def test_signing_in_as_the_other_on_one_browser(ada: Client) -> None:
    """The second is who the browser is from then on."""
    ada.post("/sign-in/", {"name": "grace"})

    assert ada.session["_auth_user_id"] == str(User.objects.get(username="grace").pk)


def test_pressing(client: Client) -> None:
    """The page again for a browser, nothing for a script."""
    assert client.post("/press/")["Location"] == "/"
    assert client.post("/press/", **SCRIPT).status_code == 204
    assert Counter.objects.get().value == 2


def test_shipping_tells_whoever_ordered(ada: Client) -> None:
    """Once, however often it is pressed; the order's channel hears each change."""
    ada.post("/order/", {"what": "Tea"})
    pk = Order.objects.latest("pk").pk
    for _ in range(2):
        assert ada.post("/ship/", {"pk": pk}).status_code == 302
    [item] = ada.get("/inbox/").json()["items"]

    assert (item["title"], item["body"]) == (f"Order #{pk} Tea is on its way", "Ada has shipped it.")
    assert Order.objects.get(pk=pk).has_shipped


@pytest.mark.parametrize("what", NASTY.values(), ids=NASTY)
def test_whatever_is_ordered_is_text(client: Client, what: str) -> None:
    """On the page as it was typed, escaped."""
    client.post("/order/", {"what": what})

    assert Order.objects.latest("pk").what == what
    assert "<script>alert" not in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("path", "data", "told"),
    [
        ("/order/", {"what": ""}, "what: This field is required."),
        ("/order/", {"what": "x" * 10_240}, "what: Ensure this value has at most 60 characters (it has 10240)."),
        ("/order/", {"what": "a\0b"}, "what: Null characters are not allowed."),
        ("/ship/", {"pk": "x"}, "pk: Enter a whole number."),
        ("/ship/", {"pk": 2**63}, f"pk: Ensure this value is less than or equal to {2**63 - 1}."),
        ("/ship/", {"pk": 2**63 - 1}, f"there is no order {2**63 - 1}"),
    ],
)
def test_what_cannot_be_is_told(client: Client, path: str, data: dict[str, Any], told: str) -> None:
    """On the page, or to the script; nothing has changed."""
    answer = client.post(path, data)

    assert answer.status_code == 422
    assert re.search(rf'role="alert">{re.escape(told)}</p>', answer.content.decode())
    assert client.post(path, data, **SCRIPT).json() == {"problem": told}
    assert Order.objects.count() == 3


def test_too_many_orders(client: Client) -> None:
    """The oldest go: anybody may order."""
    Order.objects.bulk_create(Order(what="Tea") for _ in range(60))
    client.post("/order/", {"what": "Last"})

    assert Order.objects.count() == 50
    assert Order.objects.latest("pk").what == "Last"


def test_a_greeting(ada: Client) -> None:
    """To either of the two; whoever is not signed in greets nobody."""
    ada.post("/greet/", {"to": "grace"})
    Client().post("/greet/", {"to": "grace"})

    assert [each.message.actor_name for each in Notification.objects.all()] == ["Ada"]


@pytest.mark.parametrize(
    ("name", "kinds"), [(None, {"order": 3, "counter": 7}), ("ada", {"order": 3, "notification": 1, "counter": 6})]
)
def test_ten_things_happen(client: Client, name: str | None, kinds: dict[str, int]) -> None:
    """With what a page must hear of each."""
    if name:
        client.post("/sign-in/", {"name": name})
    things = client.post("/missed/").json()["things"]

    assert {kind: sum(thing["of"] == kind for thing in things) for kind in kinds} == kinds
    assert len({(thing["of"], thing["key"]) for thing in things}) == 10


@pytest.mark.parametrize("path", ["/sign-in/", "/sign-out/", "/press/", "/order/", "/ship/", "/greet/", "/missed/"])
def test_forms_are_protected(path: str) -> None:
    """From other sites, and from links."""
    assert Client(enforce_csrf_checks=True).post(path).status_code == 403
    assert Client().get(path).status_code == 405


def test_a_form_from_before(client: Client) -> None:
    """A page of ours says what to do; a browser without cookies sees it, too."""
    answer = Client(enforce_csrf_checks=True).post("/press/")

    assert "That form is out of date" in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


def test_an_icon_for_pages_that_name_none(client: Client) -> None:
    """The admin's login among them."""
    assert client.get("/favicon.ico")["Location"] == "/static/api/mark.svg"


@pytest.mark.parametrize("name", EXCERPTS)
def test_excerpts_are_of_the_source(client: Client, name: str) -> None:
    """Each is there, and leads to its file."""
    path = EXCERPTS[name].path

    assert excerpt(name)
    assert f"/source/{path}" in client.get("/").content.decode()
    assert client.get(f"/source/{path}").status_code == 200


@pytest.mark.parametrize("path", ["settings.py", "../../etc/passwd", "/etc/passwd", "front/../settings.py"])
def test_no_other_file_is_shown(client: Client, path: str) -> None:
    """Only what the page shows lines of."""
    assert client.get(f"/source/{path}").status_code == 404


@pytest.mark.usefixtures("redis_down")
def test_without_redis(client: Client) -> None:
    """The page is there, and so is what was pressed."""
    assert client.post("/sign-in/", {"name": "ada"}).status_code == 302
    assert client.get("/").status_code == 200
    assert client.post("/press/").status_code == 302


def test_it_is_small(client: Client) -> None:
    """The HTML, before compression; scripts and styles are measured in the browser."""
    publish("public:orders", {})

    assert len(client.get("/").content) < 40_000
