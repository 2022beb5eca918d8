"""Rows that are set aside: listed, retried last, dropped, by command and in the admin."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import msgspec
import pytest
import redis
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from rig.overrides import override_tandem
from tandem import streams
from tandem.models import OutboxEntry
from tandem.outbox import count_rows, send_left_over
from tandem.outbox.entry_admin import OutboxEntryAdmin

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timedelta(0)


@pytest.fixture
def aside(store: redis.Redis) -> list[int]:
    """Three rows, of which the first two were too large, and one that waits behind them."""
    rows = [OutboxEntry.objects.create(channel="kept:a", data=data) for data in ('"first"', '"other"', "3")]
    with override_tandem(max_publication_bytes=4):
        send_left_over(older_than=NOW)
    OutboxEntry.objects.create(channel="kept:a", data="4")
    return [row.pk for row in rows[:2]]


def run(*arguments: object) -> str:
    """Return what the subcommand prints."""
    out = StringIO()
    call_command("tandem", "outbox", *map(str, arguments), stdout=out)
    return out.getvalue()


def published() -> list[Any]:
    """Return the data of the channel's stream."""
    return [msgspec.json.decode(each.data) for each in streams.history("kept:a", limit=-1).publications]


def test_counts_and_lists(aside: list[int]) -> None:
    """Each with its time, its channel and why."""
    lines = run("--list").splitlines()

    assert run() == "1 waiting, 2 set aside\n"
    assert [line.split()[0] for line in lines] == [str(number) for number in aside]
    assert lines[0].endswith("  kept:a  the data has more than 4 bytes")


def test_retried_row_goes_last(aside: list[int]) -> None:
    """Behind those that wait, in the order of the rows."""
    said = run("--retry", "all")
    send_left_over(older_than=NOW)

    assert said == "2 to be retried\n"
    assert published() == [3, 4, "first", "other"]
    assert count_rows() == {"waiting": 0, "set_aside": 0}


def test_dropped_row_is_gone(aside: list[int]) -> None:
    """The one that was named, and no other."""
    said = run("--drop", aside[0])
    run("--retry", aside[1])
    send_left_over(older_than=NOW)

    assert said == "1 dropped\n"
    assert published() == [3, 4, "other"]


def test_row_that_waits_is_not_dropped(aside: list[int]) -> None:
    """It would be a hole that nobody is told of."""
    waiting = OutboxEntry.objects.get(state="waiting")
    with pytest.raises(CommandError, match=f"not set aside: {waiting.pk}"):
        run("--drop", aside[0], waiting.pk)
    with pytest.raises(CommandError, match="rows are numbers, or all: not some"):
        run("--retry", "some")

    assert OutboxEntry.objects.count() == 3


def test_admin_shows_retries_and_drops(aside: list[int], client: Client) -> None:
    """Rows that wait are not touched, whatever is chosen."""
    client.force_login(User.objects.create_superuser("root"))
    address = "/admin/tandem/outboxentry/"
    page = client.get(address)
    chosen = {"_selected_action": [*aside, OutboxEntry.objects.get(state="waiting").pk]}
    client.post(address, {**chosen, "action": "retry", "_selected_action": aside[:1]})
    client.post(address, {**chosen, "action": "drop"})
    send_left_over(older_than=NOW)

    assert b"the data has more than 4 bytes" in page.content
    assert published() == [3, 4, "first"]
    assert count_rows() == {"waiting": 0, "set_aside": 0}


def test_admin_deletes_and_adds_nothing(aside: list[int], client: Client) -> None:
    """Nor changes a row."""
    client.force_login(User.objects.create_superuser("root"))
    address = f"/admin/tandem/outboxentry/{aside[0]}"

    assert client.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/tandem/outboxentry/add/").status_code == 403
    assert b'name="data"' not in client.get(f"{address}/change/").content
    assert set(OutboxEntryAdmin.readonly_fields) >= {"data", "channel", "state"}
