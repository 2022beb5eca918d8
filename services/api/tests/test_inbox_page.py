"""The inbox page, as a browser without JavaScript sees it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tandem.inbox.models import Announcement, Notification

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client: Client) -> User:
    """Somebody who has logged in."""
    user = User.objects.create_user("ann")
    client.force_login(user)
    return user


def test_the_bell_is_on_the_page(client: Client, ann: User) -> None:
    """Configured for whoever is logged in; nobody else gets the page."""
    html = client.get("/notifications/").content.decode()

    assert '<tandem-inbox src="/inbox/" toasts="">' in html
    assert html.index('id="tandem-config"') < html.index("tandem-inbox.js")
    assert Client().get("/notifications/")["Location"] == "/admin/login/?next=/notifications/"


def test_the_button_notifies_oneself(client: Client, ann: User) -> None:
    """And comes back to the page, so that a reload does not notify again."""
    answer = client.post("/notifications/", {"words": "Hello", "to": "me"})
    [item] = client.get("/inbox/").json()["items"]

    assert (answer.status_code, answer["Location"]) == (302, "/notifications/")
    assert (item["title"], item["body"], item["category"]) == ("ann wrote to you", "Hello", "messages")
    assert Notification.objects.count() == 1


def test_the_button_notifies_everyone(client: Client, ann: User) -> None:
    """By one announcement."""
    client.post("/notifications/", {"words": "Hello", "to": "everyone"})

    assert (Announcement.objects.count(), Notification.objects.count()) == (1, 0)


def test_no_words(client: Client, ann: User) -> None:
    """The page says what is missing."""
    answer = client.post("/notifications/", {"words": "", "to": "me"})

    assert answer.status_code == 422
    assert "This field is required." in answer.content.decode()
