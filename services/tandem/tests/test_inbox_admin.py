"""The inbox in the admin: compose, see who has seen it, retract; and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tandem.inbox import notify
from tandem.inbox.models import Delivery, Message
from tests.inbox_browser import Browser
from tests.inboxes import inbox, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]

MESSAGES = "/admin/tandem_inbox/message/"


@pytest.fixture
def admin() -> Client:
    """A browser of who may do everything."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", "", "secret"))
    return client


def compose(admin: Client, **said: Any) -> Any:
    """Send the form."""
    body = {"to": "users", "users": "", "kind": "message", "severity": "info", "expires_0": "", "expires_1": "", **said}
    return admin.post(f"{MESSAGES}add/", body)


def test_compose_to_users_a_group_and_everyone(admin: Client) -> None:
    """Each arrives."""
    ann, bob, cleo = user("ann"), user("bob"), user("cleo")
    group = Group.objects.create(name="staff")
    group.user_set.add(cleo)
    forms = [
        compose(admin, title="two", users="ann\r\nbob\r\n"),
        compose(admin, title="staff", to="group", group=group.pk),
        compose(admin, title="all", to="everyone", body="Hello", url="/news/"),
    ]

    assert [form.status_code for form in forms] == [302, 302, 302]
    assert [titles(who) for who in (ann, bob, cleo)] == [["all", "two"], ["all", "two"], ["all", "staff"]]
    assert inbox(ann)[0]["actor"] == "root"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"title": "x", "users": "nobody"}, "Nobody is called nobody."),
        ({"title": "x"}, "Which users?"),
        ({"title": "x", "to": "group"}, "Which group?"),
        ({"users": "ann"}, "A message has a title."),
        ({"title": "x", "users": "ann", "url": "javascript:alert(1)"}, "url: relative, or http(s)"),
        ({"title": "x", "users": "ann", "tenant": "a b"}, "tenant: at most 64 letters"),
        ({"title": "x", "users": "ann", "expires_0": "2001-01-01", "expires_1": "00:00"}, "expires: in the future"),
        ({"title": "x", "users": "ann", "kind": "nothing"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_at_the_field(admin: Client, said: dict[str, Any], error: str) -> None:
    """And nothing is sent."""
    ann = user("ann")
    response = compose(admin, **said)

    assert error in response.content.decode()
    assert (titles(ann), Message.objects.count()) == ([], 0)


def test_page_of_a_message_says_who_has_seen_it(admin: Client) -> None:
    """Its markup is text; it cannot be changed there."""
    ann, bob = user("ann"), user("bob")
    message = notify([ann, bob], "order.shipped", title="<b>bold</b>")
    Browser(ann).post("mark/", {"as": "seen", "ids": [inbox(ann)[0]["id"]]})
    page = admin.get(f"{MESSAGES}{message.pk}/change/").content.decode()

    assert "1 of 2 have seen it, 0 read it" in page
    assert ">ann<" in page
    assert "<b>bold</b>" not in page
    assert admin.post(f"{MESSAGES}{message.pk}/change/", {"title": "x"}).status_code == 403
    assert admin.post(f"{MESSAGES}{message.pk}/delete/", {"post": "yes"}).status_code == 403


def test_retract(admin: Client) -> None:
    """By the action of the list."""
    ann = user("ann")
    message = notify(ann, "order.shipped", title="wrong")
    body = {"action": "retract", "_selected_action": [message.pk]}
    page = admin.post(MESSAGES, body, follow=True).content.decode()

    assert "1 retracted" in page
    assert titles(ann) == []


def test_who_may_only_look_neither_composes_nor_retracts() -> None:
    """The permissions are Django's own."""
    ann = user("ann", is_staff=True)
    ann.user_permissions.add(Permission.objects.get(codename="view_message"))
    client = Client()
    client.force_login(ann)
    message = notify(ann, "order.shipped", title="stays")
    client.post(MESSAGES, {"action": "retract", "_selected_action": [message.pk]})

    assert client.get(MESSAGES).status_code == 200
    assert compose(client, title="x", users="ann").status_code == 403
    assert titles(ann) == ["stays"]


def test_delivery_log_is_looked_at(admin: Client) -> None:
    """And never written."""
    notify(user("ann"), "account.breached")
    page = admin.get("/admin/tandem_inbox/delivery/")

    assert (page.status_code, Delivery.objects.count()) == (200, 1)
    assert admin.get("/admin/tandem_inbox/delivery/add/").status_code == 403
