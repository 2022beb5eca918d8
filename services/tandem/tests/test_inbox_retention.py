"""Prune and export: what goes when, with counts that stay true; all that is kept of one user."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from rig.overrides import override_tandem
from tandem.inbox import EVERYONE, models, notify
from tests.inbox_browser import Browser
from tests.inboxes import inbox, numbers, pushed, titles, user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


def run(*arguments: Any) -> str:
    """Return what the subcommand prints."""
    out = io.StringIO()
    call_command("tandem", *arguments, stdout=out)
    return out.getvalue()


def age(days: int) -> None:
    """Have all that is there be so much older."""
    by = timezone.now() - timedelta(days=days)
    models.Message.objects.update(created_at=by)
    models.Notification.objects.update(arrived_at=by, created_at=by)
    models.Announcement.objects.update(created_at=by)


def test_old_goes_and_counts_stay_true() -> None:
    """Whatever became of it; what is young stays, and open pages are told."""
    ann = user("ann")
    for title in ("unseen", "archived", "read"):
        notify(ann, "order.shipped", title=title)
    notify(EVERYONE, "order.shipped", title="for all")
    for item, state in zip(inbox(ann)[1:], ("read", "archived"), strict=False):
        Browser(ann).post("mark/", {"as": state, "ids": [item["id"]]})
    notify(ann, "photo.liked", actor="Bob", group="photo:7")
    age(91)
    notify(ann, "photo.liked", actor="Cleo", group="photo:7")
    notify(ann, "order.shipped", title="young")
    said = run("prune")

    assert said == "deleted 3 notifications, 1 announcements, 4 messages, 0 mailboxes\n"
    assert titles(ann) == ["young", "Cleo and 1 others like your photo"]
    assert numbers(ann) == (2, 2)
    assert models.Message.objects.count() == 3
    assert len(pushed(ann, "inbox.retracted")) == 1


def test_days_are_those_of_the_settings_or_of_the_call() -> None:
    """Less than a day is refused."""
    ann = user("ann")
    notify(ann, "order.shipped", title="ten days old")
    age(10)
    run("prune")
    kept = titles(ann)
    with override_tandem(inbox_keep_days=9):
        run("prune", "--days", "11")
        kept_longer = titles(ann)
        run("prune")

    assert (kept, kept_longer, titles(ann)) == (["ten days old"], ["ten days old"], [])
    with pytest.raises(CommandError, match="days is 1 or more, not 0"):
        run("prune", "--days", "0")


def test_what_is_left_of_deleted_users_goes() -> None:
    """Somebody was deleted past the ORM, or while he was notified."""
    ann, bob = user("ann"), user("bob")
    notify([ann, bob], "order.shipped", title="both")
    User.objects.filter(pk=ann.pk)._raw_delete(User.objects.db)
    run("prune")

    assert (models.Mailbox.objects.count(), models.Notification.objects.count()) == (1, 1)
    assert titles(bob) == ["both"]


def test_deleted_user_takes_his_inbox_along() -> None:
    """And what he caused stays with whom he notified, under his name."""
    ann, bob = user("ann"), user("bob")
    notify(ann, "photo.liked", actor=bob)
    notify(bob, "photo.liked", actor=ann)
    bob.delete()

    assert titles(ann) == ["bob like your photo"]
    assert models.Notification.objects.count() == 1


def test_export_has_all_of_one_user_and_nothing_of_another() -> None:
    """As JSON."""
    ann, bob = user("ann"), user("bob")
    notify(ann, "order.shipped", title="hers", tenant="acme")
    notify(bob, "order.shipped", title="his")
    notify(bob, "photo.liked", actor=ann)
    Browser(ann).post("preferences/", {"kind": "order.shipped", "medium": "email", "on": True})
    found = json.loads(run("export", "ann"))
    boxes = {box["tenant"]: box for box in found["inboxes"]}

    assert [each["title"] for each in boxes["acme"]["notifications"]] == ["hers"]
    assert boxes[""]["preferences"] == [{"kind": "order.shipped", "medium": "email", "is_on": True}]
    assert [each["kind"] for each in found["caused"]] == ["photo.liked"]
    assert "his" not in json.dumps(found)
    with pytest.raises(CommandError, match="nobody logs in with 'eve'"):
        run("export", "eve")
