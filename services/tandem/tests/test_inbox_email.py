"""Email and other media: due after a while, only for what nobody saw, at least once and logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db.models import F

import tandem.inbox
from rig.overrides import override_tandem
from tandem.inbox import Kind, notify, retract, work
from tandem.inbox.content import kinds
from tandem.inbox.models import Delivery
from tandem.inbox.preferences import media
from tests.inbox_browser import Browser
from tests.inboxes import inbox, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


@pytest.fixture(autouse=True)
def _invoice() -> Iterator[None]:
    """A kind that comes by email too, after ten minutes."""

    @tandem.inbox.kind("invoice.due")
    class Invoice(Kind):
        title = "Invoice\n{{ data }}"
        body = "Please pay."
        media = ("inbox", "email")

    yield
    kinds.forget("invoice.due")


def pass_time(minutes: float) -> None:
    """Have all that waits be so much older, and a moment: SQLite's clock tells whole milliseconds."""
    older = timedelta(minutes=minutes, milliseconds=1)
    Delivery.objects.filter(state="waiting").update(due_at=F("due_at") - older)


def send() -> None:
    """Do the worker's work."""
    while work.send_elsewhere():
        pass


def log() -> list[tuple[str, str, str]]:
    """Return the delivery log."""
    return list(Delivery.objects.order_by("pk").values_list("medium", "state", "reason"))


def test_unseen_is_mailed_after_its_time() -> None:
    """Not before; in one line, with an address that leads there."""
    ann = user("ann")
    with override_tandem(inbox_site="https://shop.example/"):
        notify(ann, "invoice.due", data=7, url="/invoices/7/")
        send()
        before = len(mail.outbox)
        pass_time(10)
        send()
        send()
    [sent] = mail.outbox

    assert before == 0
    assert (sent.to, sent.subject) == (["ann@example.com"], "Invoice 7")
    assert sent.body == "Please pay.\n\nhttps://shop.example/invoices/7/\n"
    assert log() == [("email", "sent", "")]


@pytest.mark.parametrize("state", ["seen", "read", "archived"])
def test_seen_is_not_mailed(state: str) -> None:
    """The log says why."""
    ann = user("ann")
    notify(ann, "invoice.due")
    Browser(ann).post("mark/", {"as": state, "ids": [inbox(ann)[0]["id"]]})
    pass_time(10)
    send()

    assert (mail.outbox, log()) == ([], [("email", "skipped", "seen")])


def test_retracted_is_not_mailed() -> None:
    """Nor what has no reader any more, or one who wants it no more."""
    ann, bob, cleo, dora = user("ann"), user("bob"), user("cleo"), user("dora")
    retract(notify(ann, "invoice.due"))
    notify([bob, cleo, dora], "invoice.due")
    bob.is_active = False
    bob.save()
    Browser(cleo).post("preferences/", {"kind": "invoice.due", "medium": "email", "on": False})
    dora.email = ""
    dora.save()
    pass_time(10)
    send()
    reasons = [reason for _, state, reason in log() if state == "skipped"]

    assert mail.outbox == []
    assert reasons == ["retracted", "the user is not active", "not wanted any more", "no address"]


def test_failed_email_goes_again_with_the_same_message_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later each time; the sixth failure is the last."""
    ann = user("ann")
    names: list[str] = []

    def refuse(self: Any) -> None:
        names.append(self.extra_headers["Message-ID"])
        raise OSError("mail server away")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    notify(ann, "invoice.due")
    pass_time(10)
    send()
    at_once = len(names)
    send()
    for _ in range(10):
        pass_time(60 * 24)
        send()

    assert (at_once, len(names), len(set(names))) == (1, 6, 1)
    assert names[0].endswith("@localhost>")
    assert log() == [("email", "failed", "OSError: mail server away")]


def test_email_alone_where_the_inbox_is_off() -> None:
    """What is not in the inbox cannot be seen there."""
    ann = user("ann")
    Browser(ann).post("preferences/", {"kind": "invoice.due", "medium": "inbox", "on": False})
    notify(ann, "invoice.due", data=7)
    pass_time(10)
    send()

    assert (titles(ann), len(mail.outbox)) == ([], 1)


def test_group_is_mailed_once() -> None:
    """With its number of then."""

    @tandem.inbox.kind("liked")
    class _Liked(Kind):
        title = "{{ actor }} and {{ others }} others"
        media = ("inbox", "email")

    ann = user("ann")
    for name in ("Bob", "Cleo", "Dora"):
        notify(ann, "liked", actor=name, group="photo:7")
    pass_time(10)
    send()
    kinds.forget("liked")

    assert [sent.subject for sent in mail.outbox] == ["Dora and 2 others"]


def test_medium_of_a_team_s_own() -> None:
    """It is offered, chosen, called, and called again when it fails."""
    calls: list[tuple[str, str, str]] = []

    @tandem.inbox.medium("sms", label="Text message", after=timedelta(minutes=2))
    def text(outgoing: Any) -> None:
        calls.append((outgoing.recipient.username, outgoing.title, outgoing.name))
        if len(calls) == 1:
            raise ConnectionError("provider away")

    ann = user("ann")
    browser = Browser(ann)
    offered = browser.get("preferences/")["media"]
    browser.post("preferences/", {"kind": "order.shipped", "medium": "sms", "on": True})
    notify(ann, "order.shipped", title="on its way")
    send()
    early = len(calls)
    for _ in range(2):
        pass_time(3)
        send()
    media.forget("sms")

    assert offered == {"inbox": "In-app", "email": "Email", "sms": "Text message"}
    assert (early, calls[0]) == (0, calls[1])
    assert calls[0][:2] == ("ann", "on its way")
    assert log() == [("sms", "sent", "")]


def test_thousand_users_preferences_are_honoured() -> None:
    """Each as he wants it: nothing, inbox, email, both."""
    from django.contrib.auth.models import User

    from tandem.inbox.models import Mailbox, Notification, Preference

    users = User.objects.bulk_create(
        User(username=f"user{number}", email=f"user{number}@example.com") for number in range(1000)
    )
    boxes = Mailbox.objects.bulk_create(Mailbox(recipient=each) for each in users)
    Preference.objects.bulk_create(
        Preference(mailbox=box, kind="invoice.due", medium=medium, is_on=bool(number & bit))
        for number, box in enumerate(boxes)
        for medium, bit in (("inbox", 1), ("email", 2))
    )
    notify(User.objects.all(), "invoice.due", data=7)
    while work.bring_to_many():
        pass
    pass_time(10)
    send()
    having = set(Notification.objects.values_list("mailbox__recipient__username", flat=True))
    mailed = [address for sent in mail.outbox for address in sent.to]

    assert having == {f"user{number}" for number in range(1000) if number & 1}
    assert sorted(mailed) == sorted(f"user{number}@example.com" for number in range(1000) if number & 2)
