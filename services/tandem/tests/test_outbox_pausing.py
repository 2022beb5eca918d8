"""A pause: what is committed waits, a direct publish is refused, and afterwards everything goes in its order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import redis
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rig.overrides import override_tandem
from rig.servers import free_port
from tandem import apublish, control, publish, publish_on_commit, streams
from tandem.errors import PublishingPaused
from tandem.gauges import gauges
from tandem.models import OutboxEntry, Pause, Revocation
from tandem.outbox import marking, pausing, send_left_over
from tandem.outbox.watch import LOOK_SECONDS, Watch, watch
from tandem.repeats import Repeats

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]
NOW = timedelta(0)


@pytest.fixture(autouse=True)
def _watched_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test knows nothing of another's pause, and none waits for what is under way."""
    monkeypatch.setattr("tandem.subcommands.pause.SETTLE_SECONDS", 0)
    watch.take(None)
    yield
    watch.take(None)


def published(channel: str = "kept:a") -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def test_commits_wait_for_the_end_of_the_pause() -> None:
    """Neither their own request sends them, nor the worker; then they go once, in the order of their rows."""
    publish_on_commit("kept:a", 0)
    pausing.pause()
    with transaction.atomic():
        publish_on_commit("kept:a", 1)
        publish_on_commit("kept:a", 2)
    publish_on_commit("kept:a", 3)
    sent = send_left_over(older_than=NOW)
    during = published()
    pausing.resume()
    publish_on_commit("kept:a", 4)
    send_left_over(older_than=NOW)

    assert (sent, during) == (0, [0])
    assert published() == [0, 1, 2, 3, 4]
    assert OutboxEntry.objects.count() == 0


def test_commit_asks_nothing_more() -> None:
    """Whether there is a pause is told by the statement that finds what to send."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        publish_on_commit("kept:a", 1)

    assert len([each for each in queries if Pause._meta.db_table in each["sql"]]) == 1
    assert [each["sql"].split()[0] for each in queries] == ["INSERT", "SELECT", "DELETE"]


def test_direct_publish_is_refused() -> None:
    """From sync and async code, with what to do about it."""
    since = pausing.pause()
    with pytest.raises(PublishingPaused) as refused:
        publish("kept:a", 1)
    with pytest.raises(PublishingPaused):
        asyncio.run(apublish("kept:a", 1))
    pausing.resume()

    assert str(refused.value) == (
        f"publishing is paused since {since:%Y-%m-%d %H:%M:%S} UTC, until `manage.py tandem resume`:"
        " publish_on_commit keeps what is committed, publish is refused"
    )
    assert publish("kept:a", 2).offset == 1


def test_another_process_obeys_within_a_second() -> None:
    """One that publishes all the time, and has seen no pause."""
    other = Watch(Repeats(logger=None))  # type: ignore[arg-type]  # nothing is told
    before = other.paused_since()
    since = pausing.pause()
    deadline = time.monotonic() + LOOK_SECONDS + 4
    while other.paused_since() is None and time.monotonic() < deadline:
        time.sleep(0.01)

    assert before is None
    assert other.paused_since() == since


@override_tandem(api_keys=["key"])
def test_server_api_refuses_and_keeps(client: Client) -> None:
    """A publication with the code that says to try later; what sockets must be told waits."""
    pausing.pause()

    def ask(method: str, body: dict[str, Any]) -> Any:
        return client.post(f"/server/{method}", body, content_type="application/json", headers={"X-API-Key": "key"})

    publication = ask("publish", {"channel": "kept:a", "data": 1}).json()
    disconnect = ask("disconnect", {"user": "7"}).json()

    assert publication == {"error": {"code": 100, "message": "internal server error"}}
    assert disconnect == {"result": {}}
    assert list(OutboxEntry.objects.values_list("channel", flat=True)) == [control.CHANNEL]


def test_control_waits_and_goes_first() -> None:
    """The sockets may be at another Redis: what they must be told is told after the pause."""
    pausing.pause()
    control.disconnect(user="7")
    kept = list(OutboxEntry.objects.values_list("channel", flat=True))
    pausing.resume()
    send_left_over(older_than=NOW)

    assert kept == [control.CHANNEL]
    assert OutboxEntry.objects.count() == 0


def test_what_was_revoked_meanwhile_is_told_anew() -> None:
    """It went to the Redis of whoever revoked; sockets at the other one hear it after the pause."""
    Revocation.objects.create(subject="old", seconds=60, ended_at="2026-01-01T00:00:00Z", is_told=True)
    since = pausing.pause()
    Revocation.objects.create(subject="new", seconds=60, ended_at=since, is_told=True)
    pausing.resume()

    assert list(Revocation.objects.filter(is_told=False).values_list("subject", flat=True)) == ["new"]


def test_commands_say_what_they_did(capsys: pytest.CaptureFixture[str]) -> None:
    """Twice is once; the outbox's own says so too; a resume that ends nothing is refused."""
    call_command("tandem", "pause")
    call_command("tandem", "pause")
    publish_on_commit("kept:a", 1)
    call_command("tandem", "outbox")
    call_command("tandem", "resume")
    first, second, count, third, resumed = capsys.readouterr().out.splitlines()
    with pytest.raises(CommandError, match="publishing is not paused"):
        call_command("tandem", "resume")

    assert first == second == third
    assert first.startswith("publishing is paused since ")
    assert count == "1 waiting, 0 set aside"
    assert resumed.endswith(": 1 waiting")


def marked(store: redis.Redis) -> datetime | None:
    """Return since when Redis tells the sockets that there is a pause."""
    text = store.get("tandem:paused:{tandem.control}")
    return datetime.fromisoformat(text.decode()) if isinstance(text, bytes) else None


def test_sockets_are_told_by_a_mark(store: redis.Redis) -> None:
    """They have no SQL; pausing twice leaves the first moment, and resuming takes the mark away."""
    before = marked(store)
    call_command("tandem", "pause")
    call_command("tandem", "pause")
    during, since = marked(store), pausing.paused_since()
    call_command("tandem", "resume")

    assert before is None
    assert during == since is not None
    assert marked(store) is None


def test_worker_marks_what_the_commands_could_not(store: redis.Redis) -> None:
    """Redis was away, was emptied, or is the new one: the mark follows the row, both ways."""
    since = pausing.pause()
    marking.keep_mark()
    first = marked(store)
    store.delete("tandem:paused:{tandem.control}")
    marking.keep_mark()
    second = marked(store)
    pausing.resume()
    marking.keep_mark()
    third = marked(store)
    marking.keep_mark()

    assert (first, second, third, marked(store)) == (since, since, None, None)


def test_mark_of_a_pause_of_old_ends_with_the_row(store: redis.Redis) -> None:
    """A Redis that was left in a pause and is come back to; without a worker `resume` takes its mark away."""
    old = pausing.pause()
    marking.mark(old)
    pausing.resume()
    since = pausing.pause()
    marking.keep_mark()
    anew = marked(store)
    pausing.resume()
    call_command("tandem", "resume")

    assert old < since == anew
    assert marked(store) is None
    with pytest.raises(CommandError, match=r"publishing is not paused$"):
        call_command("tandem", "resume")


def test_commands_say_that_the_sockets_could_not_be_told(
    capsys: pytest.CaptureFixture[str], store: redis.Redis
) -> None:
    """A Redis that is away: the pause and its end hold for all but clients, and the worker makes good."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        with pytest.raises(CommandError) as paused:
            call_command("tandem", "pause")
        since = pausing.paused_since()
        call_command("tandem", "resume")
        with pytest.raises(CommandError) as resumed:
            call_command("tandem", "resume")
    told, goes_on, untold = capsys.readouterr().out.splitlines()

    assert since is not None
    assert told.startswith("publishing is paused since ")
    assert str(paused.value).startswith("but the sockets could not be told (")
    assert "pause again before you move" in str(paused.value)
    assert goes_on.startswith("publishing goes on after a pause since ")
    assert untold.startswith("but the sockets could not be told (")
    assert str(resumed.value).startswith("publishing is not paused but the sockets could not be told (")


def test_metrics_and_live_page_say_so(client: Client) -> None:
    """A gauge for the alert, a sentence for who looks."""
    client.force_login(User.objects.create_superuser("boss"))
    page = "/admin/tandem_monitor/connection/census/"
    before = client.get(page).json()["paused"]
    pausing.pause()
    told = {name: value for look in gauges for name, value in look().items()}

    assert before == ""
    assert told["outbox_paused"] == 1
    assert client.get(page).json()["paused"].startswith("publishing is paused since ")
