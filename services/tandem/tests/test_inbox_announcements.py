"""Announcements: one row and one push for everyone, whatever they make of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import override_settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

import tandem.inbox
from tandem.inbox import EVERYONE, edit, notify, retract
from tandem.inbox.content import kinds
from tandem.inbox.keeping.removing import remove_expired_announcements
from tandem.inbox.models import Announcement, AnnouncementMark, Board
from tandem.inbox.sending import announcing
from tandem.testing import published
from tests.inbox_browser import Browser
from tests.inboxes import inbox, numbers, pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


def told(tenant: str = "") -> list[tuple[str, list[int | None], list[int]]]:
    """Return what everyone was told: type, versions and what is live."""
    channel = f"inbox:everyone/{tenant}" if tenant else "inbox:everyone"
    pushes = [each.data for each in published(channel)]
    return [(push["type"], push["state"]["version"], push["state"]["shared"]["live"]) for push in pushes]


def test_each_tenant_has_its_own() -> None:
    """And its own numbers."""
    ann = user("ann")
    notify(EVERYONE, "order.shipped", title="acme's", tenant="acme")
    notify(EVERYONE, "order.shipped", title="all's")

    assert (titles(ann, "acme"), titles(ann)) == (["acme's"], ["all's"])
    assert told("acme") == [("inbox.announced", [None, 1], [1])]
    assert told() == [("inbox.announced", [None, 1], [1])]


def test_rolled_back_announcement_was_never_there() -> None:
    """Nobody hears, and its number is the next one's."""
    with transaction.atomic():
        notify(EVERYONE, "order.shipped", title="never")
        transaction.set_rollback(True)
    notify(EVERYONE, "order.shipped", title="first")

    assert told() == [("inbox.announced", [None, 1], [1])]


def test_repeated_key_announces_once() -> None:
    """The first stays."""
    ann = user("ann")
    for title in ("one", "two"):
        notify(EVERYONE, "order.shipped", title=title, idempotency_key="news")

    assert (titles(ann), len(told())) == (["one"], 1)


def test_newcomer_has_none_from_before_him() -> None:
    """Neither in the list nor in the counts; what comes later is his."""
    notify(EVERYONE, "order.shipped", title="before")
    Announcement.objects.update(created_at=timezone.now() - timedelta(days=1))
    ann = user("ann")
    before = titles(ann), numbers(ann)
    notify(EVERYONE, "order.shipped", title="after")

    assert (before, titles(ann), numbers(ann)) == (([], (0, 0)), ["after"], (1, 1))


def test_edit_and_retract_are_told_to_everyone() -> None:
    """With a version each; who read it has no row that counts any more."""
    ann = user("ann")
    first = notify(EVERYONE, "order.shipped", title="first")
    second = notify(EVERYONE, "order.shipped", title="second")
    Browser(ann).post("mark/", {"as": "read", "ids": ["a1"]})
    edit(first, title="edited")
    retract(second)
    items = inbox(ann)

    assert told()[2:] == [("inbox.edited", [None, 3], [1, 2]), ("inbox.retracted", [None, 4], [1])]
    assert [(item["title"], item["read"], item["version"]) for item in items] == [("edited", True, [1, 3])]
    assert numbers(ann) == (0, 0)


def test_expired_is_taken_down() -> None:
    """And everyone is told."""
    ann = user("ann")
    notify(EVERYONE, "order.shipped", title="short", expires=timedelta(hours=1))
    Announcement.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with transaction.atomic():
        removed = remove_expired_announcements()

    assert (removed, titles(ann), numbers(ann)) == (1, [], (0, 0))
    assert told()[-1] == ("inbox.retracted", [None, 2], [])


def test_expired_is_gone_where_no_worker_runs() -> None:
    """Who asks sees it taken down."""
    ann = user("ann")
    notify(EVERYONE, "order.shipped", title="short", expires=timedelta(hours=1))
    Announcement.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = Browser(ann).get()

    assert (answer["items"], answer["state"]["unseen"]) == ([], 0)


def test_board_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is gone when there is one more than there may be."""
    monkeypatch.setattr(announcing, "MOST_LIVE", 3)
    ann = user("ann")
    for number in range(5):
        notify(EVERYONE, "order.shipped", title=str(number))

    assert (titles(ann), numbers(ann)) == (["4", "3", "2"], (3, 3))
    assert Board.objects.get().live == [3, 4, 5]


def test_reader_of_another_language_finds_his_text_in_the_push() -> None:
    """One push is for readers of every language."""

    @tandem.inbox.kind("closed")
    class _Closed:
        title = _("Yes")

    with override_settings(LANGUAGES=[("en-us", "English"), ("de", "German"), ("fr", "French")]):
        notify(EVERYONE, "closed")
    kinds.forget("closed")
    [push] = published("inbox:everyone")

    assert push.data["item"]["title"] == "Yes"
    assert push.data["item"]["texts"] == {"de": {"title": "Ja", "body": ""}, "fr": {"title": "Oui", "body": ""}}


def test_reading_up_to_makes_no_rows() -> None:
    """Only what is read or archived by itself does."""
    ann = user("ann")
    for number in range(3):
        notify(EVERYONE, "order.shipped", title=str(number))
    browser = Browser(ann)
    browser.post("mark/", {"as": "read", "up_to": browser.get()["state"]["version"]})
    after_all = AnnouncementMark.objects.count()
    browser.post("mark/", {"as": "archived", "ids": ["a2"]})

    assert (after_all, AnnouncementMark.objects.count()) == (0, 1)
    assert [push["state"]["own"]["archived"] for push in pushed(ann)] == [[], [2]]
