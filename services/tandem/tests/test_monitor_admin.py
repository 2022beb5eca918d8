"""Who may look, tap and disconnect."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]
PAGE = "/admin/tandem_monitor/connection/"


def log_in(client: Client, *, is_staff: bool, permissions: tuple[str, ...] = ()) -> Client:
    """Log in somebody with these permissions of the live page."""
    user = User.objects.create_user("somebody", password="x", is_staff=is_staff)
    codenames = [f"{name}_connection" for name in permissions]
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="tandem_monitor", codename__in=codenames)
    )
    client.force_login(user)
    return client


def statuses(client: Client) -> list[int]:
    """What the page, the census, a tap and a disconnect answer."""
    return [
        client.get(PAGE).status_code,
        client.get(f"{PAGE}census/").status_code,
        client.post(f"{PAGE}tap/", {"channel": "public:a"}).status_code,
        client.post(f"{PAGE}disconnect/", {"user": "7"}).status_code,
    ]


def test_strangers_are_sent_to_the_login(client: Client) -> None:
    """Not logged in, or no staff: the admin's login."""
    assert statuses(client) == [302] * 4
    assert statuses(log_in(client, is_staff=False, permissions=("view", "delete"))) == [302] * 4


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [((), [403, 403, 403, 403]), (("view",), [200, 200, 200, 403]), (("view", "delete"), [200, 200, 200, 200])],
)
def test_staff_need_the_permission(client: Client, permissions: tuple[str, ...], expected: list[int]) -> None:
    """To view is to look and tap; to delete is to disconnect."""
    assert statuses(log_in(client, is_staff=True, permissions=permissions)) == expected


def test_reading_changes_nothing(admin_client: Client) -> None:
    """A link cannot tap or disconnect."""
    assert admin_client.get(f"{PAGE}disconnect/?user=7").status_code == 403
    assert admin_client.get(f"{PAGE}tap/?channel=public:a").status_code == 403


def test_a_foreign_page_cannot_disconnect() -> None:
    """Without the token of our own form the request is refused."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("boss"))

    assert client.post(f"{PAGE}disconnect/", {"user": "7"}).status_code == 403


def test_what_cannot_be_done_is_a_sentence(admin_client: Client) -> None:
    """Nobody named; a namespace that is not declared."""
    nobody = admin_client.post(f"{PAGE}disconnect/")
    nowhere = admin_client.post(f"{PAGE}tap/", {"channel": "nowhere:x"})

    assert (nobody.status_code, nobody.json()) == (400, {"problem": "name a user, a client or a session"})
    assert (nowhere.status_code, nowhere.json()) == (
        400,
        {"problem": "the namespace of 'nowhere:x' is not declared"},
    )


@pytest.mark.usefixtures("redis_down")
def test_without_redis_the_page_says_why(admin_client: Client) -> None:
    """503 and a sentence for the page's script to show."""
    answer = admin_client.get(f"{PAGE}census/")

    assert answer.status_code == 503
    assert set(answer.json()) == {"problem"}


def test_the_admin_has_a_link(admin_client: Client) -> None:
    """The page is found from the admin's first page, and offers no "add"."""
    index = admin_client.get("/admin/").content.decode()

    assert f'href="{PAGE}"' in index
    assert f'href="{PAGE}add/"' not in index
