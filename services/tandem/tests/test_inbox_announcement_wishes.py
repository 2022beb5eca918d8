"""Announcements by each user's wishes: muted, asked for, by email to who has not seen them; and who has seen them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.core import mail
from django.db.models import F
from django.test import Client

import tandem.inbox
from tandem.inbox import EVERYONE, InvalidNotification, Kind, notify, retract, work
from tandem.inbox.boxes import mailboxes
from tandem.inbox.content import kinds
from tandem.inbox.models import Announcement, BulkRecipient, Delivery, Message, Notification, Preference
from tandem.inbox.sending import bulk
from tandem.inbox.staff.message_admin import MessageAdmin
from tests.inbox_browser import Browser
from tests.inboxes import numbers, pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


@pytest.fixture(autouse=True)
def _outage() -> Iterator[None]:
    """A kind that comes by email too, after ten minutes, and one that asks for each."""

    @tandem.inbox.kind("outage")
    class Outage(Kind):
        title = "We are down on Friday"
        media = ("inbox", "email")

    @tandem.inbox.kind("choosy")
    class Choosy(Kind):
        title = "For some"

        def should_notify(self, recipient: Any, message: Any) -> bool:
            return bool(recipient.username != "bob")

    yield
    kinds.forget("outage")
    kinds.forget("choosy")


def mute(who: User, kind: str, medium: str = "inbox", *, on: bool = False) -> None:
    """Switch *kind* off or on for *who*."""
    Browser(who).post("preferences/", {"kind": kind, "medium": medium, "on": on})


def work_off() -> None:
    """Do the worker's work, ten minutes later."""
    while work.bring_to_many():
        pass
    Delivery.objects.filter(state="waiting").update(due_at=F("due_at") - timedelta(minutes=10))
    while work.send_elsewhere():
        pass


def mailed() -> list[str]:
    """Return who got an email."""
    return sorted(address for sent in mail.outbox for address in sent.to)


def test_muted_kind_is_neither_shown_nor_counted() -> None:
    """To him alone; and it is there again when he changes his mind."""
    ann, bob = user("ann"), user("bob")
    mute(ann, "order.shipped")
    notify(EVERYONE, "order.shipped", title="muted")
    notify(EVERYONE, "photo.liked", title="loud")
    muted = titles(ann), numbers(ann), Browser(ann).get("counts/")["state"]["own"]["muted"]
    mute(ann, "order.shipped", on=True)

    assert muted == (["loud"], (1, 1), ["order.shipped"])
    assert (titles(bob), numbers(bob)) == (["loud", "muted"], (2, 2))
    assert (titles(ann), numbers(ann)) == (["loud", "muted"], (2, 2))


def test_choice_is_told_to_the_user_s_other_pages() -> None:
    """With a version of its own, so that no page reckons with what was before."""
    ann = user("ann")
    notify(EVERYONE, "order.shipped")
    mute(ann, "order.shipped")
    [push] = pushed(ann)

    assert (push["type"], push["state"]["version"], push["state"]["unseen"]) == ("inbox.preferred", [1, 1], 0)
    assert push["state"]["own"]["muted"] == ["order.shipped"]


def test_critical_kind_cannot_be_missed() -> None:
    """Also where he muted it before it became so."""
    ann = user("ann")
    Preference.objects.create(mailbox=mailboxes.of(ann, ""), kind="account.breached", medium="inbox", is_on=False)
    notify(EVERYONE, "account.breached")

    assert numbers(ann) == (1, 1)


def test_kind_that_asks_for_each_is_brought_to_each() -> None:
    """A notification of one's own for who is to have it; nothing for the others, and nothing on the board."""
    ann, bob = user("ann"), user("bob")
    user("gone", is_active=False)
    notify(EVERYONE, "choosy")

    assert (titles(ann), titles(bob)) == (["For some"], [])
    assert (Announcement.objects.count(), Notification.objects.count()) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "more", "field"), [("choosy", {"tenant": "acme"}, "users"), ("outage", {"group": "x"}, "group")]
)
def test_what_no_announcement_can_do_is_refused(kind: str, more: dict[str, Any], field: str) -> None:
    """Nobody knows who is of a tenant, to ask for each; and announcements make no groups."""
    with pytest.raises(InvalidNotification) as caught:
        notify(EVERYONE, kind, **more)

    assert (caught.value.field, Message.objects.count()) == (field, 0)


def test_email_goes_to_who_has_not_seen_it() -> None:
    """Not to who has, who wants none, or who is not active; to who wants it by email alone."""
    seeing, reading, muting, late, alone = (user(name) for name in ("seeing", "reading", "muting", "late", "alone"))
    user("gone", is_active=False)
    mute(muting, "outage", "email")
    mute(alone, "outage")
    notify(EVERYONE, "outage")
    while work.bring_to_many():
        pass
    Browser(seeing).post("mark/", {"as": "seen", "up_to": [0, 1]})
    Browser(reading).post("mark/", {"as": "read", "ids": ["a1"]})
    Browser(alone).post("mark/", {"as": "seen", "up_to": [0, 1]})
    work_off()
    work_off()
    reasons = Delivery.objects.filter(state="skipped").values_list("reason", flat=True)

    assert mailed() == sorted([late.email, alone.email])
    assert list(reasons) == ["seen", "seen"]
    assert {sent.subject for sent in mail.outbox} == {"We are down on Friday"}


def test_who_prefers_email_gets_it_of_any_kind() -> None:
    """Only he is looked up: the kind itself goes into the inbox."""
    ann = user("ann")
    user("bob")
    mute(ann, "order.shipped", "email", on=True)
    notify(EVERYONE, "order.shipped", title="on its way")
    fixed = BulkRecipient.objects.count()
    work_off()

    assert (fixed, mailed()) == (1, [ann.email])


def test_of_a_tenant_it_goes_to_who_has_been_there() -> None:
    """Nobody can say who else belongs to it."""
    ann = user("ann")
    user("bob")
    titles(ann, "acme")
    notify(EVERYONE, "outage", tenant="acme")
    work_off()

    assert mailed() == [ann.email]


def test_retracted_announcement_is_not_mailed() -> None:
    """Neither where it waits nor where nobody has come yet."""
    user("ann")
    message = notify(EVERYONE, "outage")
    while work.bring_to_many():
        pass
    retract(message)
    retract(notify(EVERYONE, "outage"))
    work_off()

    assert (mailed(), BulkRecipient.objects.count()) == ([], 0)
    assert [each.reason for each in Delivery.objects.all()] == ["retracted"]


def test_batch_that_fails_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nobody gets it twice."""
    people = [user(f"user{number}") for number in range(12)]
    monkeypatch.setattr(bulk, "BATCH", 5)
    notify(EVERYONE, "outage")
    bring, calls = bulk.defer_announcement, []

    def failing(*arguments: Any) -> None:
        bring(*arguments)
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(bulk, "defer_announcement", failing)
    work_off()
    work_off()

    assert mailed() == sorted(each.email for each in people)


def test_admin_names_who_has_seen_it() -> None:
    """By the number up to which each has seen all, or by his mark; nobody who came later."""
    ann, bob, cleo, dora = user("ann"), user("bob"), user("cleo"), user("dora")
    first = notify(EVERYONE, "outage")
    second = notify(EVERYONE, "outage")
    Browser(ann).post("mark/", {"as": "seen", "up_to": [0, 2]})
    Browser(bob).post("mark/", {"as": "seen", "up_to": [0, 1]})
    Browser(cleo).post("mark/", {"as": "read", "ids": ["a2"]})
    titles(dora)
    admin = MessageAdmin(Message, site)

    assert (admin.seen(first), admin.seen_by(first)) == ("seen by 2", "ann, bob")
    assert (admin.seen(second), admin.seen_by(second)) == ("seen by 2", "ann, cleo")


def test_admin_says_what_no_announcement_can_be() -> None:
    """At the field, before anything is written."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", "", "secret"))
    said = {"to": "everyone", "kind": "choosy", "severity": "info", "title": "x", "tenant": "acme"}
    response = client.post("/admin/tandem_inbox/message/add/", {**said, "users": "", "expires_0": "", "expires_1": ""})

    assert "who is of a tenant nobody can say" in response.content.decode()
    assert Message.objects.count() == 0
