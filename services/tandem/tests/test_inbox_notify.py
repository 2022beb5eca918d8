"""Notify: what is written and pushed when the transaction commits, and what is refused before anything is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language

import tandem.inbox
from rig.overrides import override_tandem
from tandem.inbox import EVERYONE, InvalidNotification, anotify, edit, notify, retract
from tandem.inbox.content import kinds
from tandem.inbox.keeping.removing import remove_expired
from tandem.inbox.models import Mailbox, Message, Notification
from tandem.testing import published
from tests.inboxes import inbox, numbers, pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


def test_notification_is_there_and_told() -> None:
    """Row, counts and push are of one version."""
    ann, bob = user("ann"), user("bob", first_name="Bob", last_name="Builder")
    notify(ann, "order.shipped", actor=bob, data={"number": 7}, url="/orders/7/")
    [item] = inbox(ann)
    [push] = pushed(ann)

    assert (item["title"], item["body"]) == ("Order 7 is on its way", "Bob Builder sent it.")
    assert (item["url"], item["category"], item["severity"]) == ("/orders/7/", "orders", "info")
    assert (push["type"], push["item"]) == ("inbox.notified", item)
    assert push["state"] == {
        "tenant": "",
        "version": [1, 0],
        "unseen": 1,
        "unread": 1,
        "own": {
            "unseen": 1,
            "unread": 1,
            "begins_after": 0,
            "seen_up_to": 0,
            "read_up_to": 0,
            "read": [],
            "archived": [],
            "muted": [],
        },
        "shared": {"live": [], "kinds": []},
    }
    assert pushed(bob) == []


def test_rollback_is_silence() -> None:
    """Neither rows nor pushes, nor a mailbox."""
    ann = user("ann")
    with transaction.atomic():
        notify(ann, "order.shipped", data={"number": 7})
        transaction.set_rollback(True)

    assert published() == []
    assert (Notification.objects.count(), Message.objects.count(), Mailbox.objects.count()) == (0, 0, 0)


def test_savepoint_that_is_rolled_back_takes_its_own() -> None:
    """The one before it stays."""
    ann = user("ann")
    with transaction.atomic():
        notify(ann, "order.shipped", data={"number": 1})
        with transaction.atomic():
            notify(ann, "order.shipped", data={"number": 2})
            transaction.set_rollback(True)
        notify(ann, "order.shipped", data={"number": 3})

    assert titles(ann) == ["Order 3 is on its way", "Order 1 is on its way"]
    assert [push["state"]["version"][0] for push in pushed(ann)] == [1, 2]
    assert numbers(ann) == (2, 2)


def test_recipients_of_every_form() -> None:
    """A user, several, one twice, a queryset, a group."""
    ann, bob, cleo = user("ann"), user("bob"), user("cleo")
    group = Group.objects.create(name="staff")
    group.user_set.add(ann, cleo)
    notify([ann, bob, ann], "order.shipped", title="list")
    notify(User.objects.filter(username="bob"), "order.shipped", title="queryset")
    notify(group, "order.shipped", title="group")

    assert [titles(who) for who in (ann, bob, cleo)] == [["group", "list"], ["queryset", "list"], ["group"]]


def test_idempotency_key_reaches_nobody_twice() -> None:
    """And those who had it not."""
    ann, bob = user("ann"), user("bob")
    first = notify(ann, "order.shipped", title="one", idempotency_key="order-7")
    second = notify([ann, bob], "order.shipped", title="two", idempotency_key="order-7")

    assert first.pk == second.pk
    assert (titles(ann), titles(bob)) == (["one"], ["one"])
    assert (len(pushed(ann)), len(pushed(bob))) == (1, 1)


def test_tenants_are_apart() -> None:
    """A user has an inbox in each."""
    ann = user("ann")
    notify(ann, "order.shipped", title="here", tenant="acme")
    notify(ann, "order.shipped", title="there", tenant="other")

    assert (titles(ann, "acme"), titles(ann, "other"), titles(ann)) == (["here"], ["there"], [])
    assert [push["state"]["tenant"] for push in pushed(ann)] == ["acme", "other"]


async def test_async() -> None:
    """The same; the sync function says so where it cannot."""
    ann = await User.objects.acreate(username="ann")
    with pytest.raises(SynchronousOnlyOperation, match="anotify"):
        notify(ann, "order.shipped")
    await anotify(ann, "order.shipped", title="async")

    assert await Notification.objects.acount() == 1


def _naive() -> datetime:
    return datetime(2100, 1, 1)


BAD: list[tuple[str, dict[str, Any]]] = [
    *(
        ("url", {"url": url})
        for url in (
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\tscript:alert(1)",
            "java\nscript:alert(1)",
            "\x01javascript:alert(1)",
            " javascript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "//evil.example/",
            "///evil.example/",
            "\\\\evil.example\\",
            "/\\evil.example",
            "/\t/evil.example",
            "http:///evil.example",
            "http:evil.example",
            "https://evil.example/",
            "https://shop.example@evil.example/",
            "https://shop.example.evil.example/",
            "ftp://shop.example/",
            "/" + "a" * 2000,
            "/a\u202eb",
            7,
        )
    ),
    ("data", {"data": object()}),
    ("data", {"data": {"a": {1, 2, object()}}}),
    ("data", {"data": "x" * 16_384}),
    ("data", {"data": "a\0b"}),
    ("data", {"data": float("nan")}),
    ("title", {"title": "x" * 256}),
    ("title", {"title": "a\0b"}),
    ("title", {"title": "\ud800"}),
    ("title", {"title": 7}),
    ("body", {"body": "x" * 10_001}),
    ("category", {"category": "x" * 51}),
    ("severity", {"severity": "fatal"}),
    ("group", {"group": "x" * 256}),
    ("idempotency_key", {"idempotency_key": ""}),
    ("idempotency_key", {"idempotency_key": "x" * 256}),
    ("expires", {"expires": timedelta(seconds=-1)}),
    ("expires", {"expires": _naive()}),
    ("expires", {"expires": "tomorrow"}),
    ("tenant", {"tenant": "a b"}),
    ("tenant", {"tenant": "x" * 65}),
    ("actor", {"actor": object()}),
    ("actor", {"actor": User(username="not saved")}),
    ("target", {"target": "order 7"}),
    ("target", {"target": User(username="not saved")}),
]


@pytest.mark.parametrize(("field", "said"), BAD, ids=[f"{field}-{n}" for n, (field, _) in enumerate(BAD)])
def test_what_cannot_be_is_refused_at_the_call(field: str, said: dict[str, Any]) -> None:
    """With the field named, and nothing written."""
    ann = user("ann")
    with override_tandem(inbox_hosts=["shop.example"]), pytest.raises(InvalidNotification) as caught:
        notify(ann, "order.shipped", **said)

    assert caught.value.field == field
    assert str(caught.value).startswith(f"{field}: ")
    assert (Message.objects.count(), Mailbox.objects.count(), published()) == (0, 0, [])


@pytest.mark.parametrize(
    "users", [None, "all", 7, ["ann"], [None], b"x", User(username="not saved"), Group.objects.none()]
)
def test_recipients_that_cannot_be_are_refused(users: Any) -> None:
    """With that named, and nothing written."""
    with pytest.raises(InvalidNotification, match="users: "):
        notify(users, "order.shipped")

    assert Message.objects.count() == 0


def test_unknown_kind_says_what_was_meant() -> None:
    """And nothing is written."""
    with pytest.raises(
        InvalidNotification, match=r"kind: 'order.shiped' is not declared: did you mean 'order.shipped'"
    ):
        notify(user("ann"), "order.shiped")

    assert Message.objects.count() == 0


@pytest.mark.parametrize("url", ["/orders/7/?a=b#c", "orders/7", "https://shop.example/x", "?page=2", ""])
def test_addresses_that_may_be(url: str) -> None:
    """Relative ones, and those of the hosts that the settings name."""
    ann = user("ann")
    with override_tandem(inbox_hosts=["shop.example"]):
        notify(ann, "order.shipped", url=url)
        [item] = inbox(ann)

    assert item["url"] == url


def test_address_is_judged_again_when_it_is_shown() -> None:
    """The settings have changed, or somebody wrote the row by himself."""
    ann = user("ann")
    with override_tandem(inbox_hosts=["shop.example"]):
        notify(ann, "order.shipped", url="https://shop.example/x")
    Message.objects.create(kind="order.shipped")
    before = inbox(ann)[0]["url"]
    Message.objects.update(url="javascript:alert(1)")

    assert (before, inbox(ann)[0]["url"]) == ("", "")


def test_markup_is_text() -> None:
    """Nothing is escaped here, since nothing is HTML here."""
    ann = user("ann")
    script = "<script>alert(1)</script>"
    notify(ann, "order.shipped", data={"number": script}, actor=script, category=script)
    [item] = inbox(ann)

    assert item["title"] == f"Order {script} is on its way"
    assert (item["body"], item["category"]) == (f"{script} sent it.", script)


def test_template_of_a_kind_is_no_template_of_a_user() -> None:
    """What somebody types is never filled in."""
    ann = user("ann")
    notify(ann, "order.shipped", title="{{ actor }} {% now %}", data={"number": "{{ actor }}"}, actor="Eve")
    notify(ann, "order.shipped", data={"number": "{{ actor }}"}, actor="Eve")

    assert titles(ann) == ["Order {{ actor }} is on its way", "{{ actor }} {% now %}"]


def test_edit_is_told_without_an_alert() -> None:
    """The row shows it, at a version of its own; the counts stay."""
    ann = user("ann")
    message = notify(ann, "order.shipped", title="wrong")
    edit(message, title="right", url="/x/")
    *_, push = pushed(ann)

    assert (titles(ann), numbers(ann)) == (["right"], (1, 1))
    assert (push["type"], push["item"]["title"], push["state"]["version"]) == ("inbox.edited", "right", [2, 0])
    assert push["item"] == inbox(ann)[0]


@pytest.mark.parametrize(
    ("field", "value"), [("url", "//evil.example"), ("data", object()), ("kind", "x"), ("title", 1)]
)
def test_edit_refuses_what_notify_refuses(field: str, value: Any) -> None:
    """With the field named, and nothing changed."""
    ann = user("ann")
    message = notify(ann, "order.shipped", title="as it was")
    with pytest.raises(InvalidNotification) as caught:
        edit(message, **{"body": "new", field: value})

    assert caught.value.field == field
    assert inbox(ann)[0]["body"] == ""


def test_retracted_is_gone_everywhere() -> None:
    """Once, from list and counts."""
    ann = user("ann")
    message = notify(ann, "order.shipped", title="wrong")
    notify(ann, "order.shipped", title="right")
    name = inbox(ann)[1]["id"]
    retract(message)
    retract(message)
    gone = pushed(ann, "inbox.retracted")

    assert (titles(ann), numbers(ann)) == (["right"], (1, 1))
    assert [(push["ids"], push["state"]["unseen"]) for push in gone] == [([name], 1)]


def test_retracted_key_reaches_nobody_any_more() -> None:
    """Neither who had it nor who had it not."""
    ann, bob = user("ann"), user("bob")
    retract(notify(ann, "order.shipped", title="one", idempotency_key="order-7"))
    notify([ann, bob], "order.shipped", title="one", idempotency_key="order-7")

    assert (titles(ann), titles(bob)) == ([], [])


def test_deleted_user_is_left_out() -> None:
    """The others have it."""
    ann, bob = user("ann"), user("bob")
    User.objects.filter(pk=ann.pk).delete()
    notify([ann, bob], "order.shipped", title="who is left")

    assert titles(bob) == ["who is left"]
    assert Notification.objects.count() == 1


def test_template_that_fails_in_one_language_is_that_reader_s_alone(caplog: pytest.LogCaptureFixture) -> None:
    """He gets the kind's name, the log gets the reason, the others get theirs."""

    class Broken(str):
        def __str__(self) -> str:
            return "{% nonsense %}" if get_language() == "de" else "Fine"

    @tandem.inbox.kind("broken")
    class _Kind:
        title = Broken()

    ann, bob = user("ann"), user("bob", last_name="de")
    with override_tandem(inbox_language=lambda who: who.last_name):
        notify([ann, bob], "broken")
    kinds.forget("broken")
    told = [push["item"]["title"] for who in (ann, bob) for push in pushed(who)]

    assert told == ["Fine", "broken"]
    assert [(each.message, each.language) for each in caplog.records] == [("inbox.template", "de")]


def test_expired_is_gone() -> None:
    """From the list and from the counts at once, and the user's pages are told."""
    ann = user("ann")
    notify(ann, "order.shipped", title="short", expires=timedelta(hours=1))
    notify(ann, "order.shipped", title="long")
    Notification.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now() - timedelta(seconds=1))
    with transaction.atomic():
        removed = remove_expired()

    assert removed == 1
    assert (titles(ann), numbers(ann)) == (["long"], (1, 1))
    assert len(pushed(ann, "inbox.retracted")) == 1


def test_announcement_is_one_row_for_everyone() -> None:
    """One push, and no row of anybody's until he reads."""
    ann, bob = user("ann"), user("bob")
    notify(EVERYONE, "order.shipped", title="Closed on Friday", url="/news/")
    [push] = published("inbox:everyone")

    assert (titles(ann), titles(bob)) == (["Closed on Friday"], ["Closed on Friday"])
    assert (numbers(ann), Notification.objects.count()) == ((1, 1), 0)
    assert push.data["type"] == "inbox.announced"
    assert push.data["state"] == {
        "tenant": "",
        "version": [None, 1],
        "shared": {"live": [1], "kinds": ["order.shipped"]},
    }
    assert push.data["item"]["id"] == "a1"
