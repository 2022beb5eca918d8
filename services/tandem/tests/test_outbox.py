"""The outbox: what was committed is published once and in order, whatever dies in between."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from django.core.management import call_command
from django.db import transaction

from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port, wait_until
from tandem import RedisUnavailable, outbox, publish_on_commit, publisher, streams
from tandem.errors import InvalidChannel, UnknownNamespace
from tandem.groups import shard_for
from tandem.models import OutboxEntry
from tandem.outbox import send_left_over

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timedelta(0)


@pytest.fixture(autouse=True)
def _nothing_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test logged is not held back in the next."""
    monkeypatch.setattr(outbox, "_refused", set())


@pytest.fixture
def no_redis() -> Iterator[None]:
    """Redis is away."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        yield


def published(channel: str = "kept:a") -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def test_commit_publishes(store: redis.Redis) -> None:
    """After the commit and not before; nothing is left over."""
    with transaction.atomic():
        publish_on_commit("kept:a", {"x": 1}, tags={"a": "b"})
        before = published()
    [publication] = streams.history("kept:a", limit=-1).publications

    assert before == []
    assert (publication.data, publication.tags) == (b'{"x":1}', b'{"a":"b"}')
    assert OutboxEntry.objects.count() == 0


def test_rollback_publishes_nothing(store: redis.Redis) -> None:
    """Neither then nor by the worker."""
    with transaction.atomic():
        publish_on_commit("kept:a", 1)
        transaction.set_rollback(True)
    send_left_over(older_than=NOW)

    assert published() == []


def test_no_transaction_publishes_at_once(store: redis.Redis) -> None:
    """Autocommit is a commit."""
    publish_on_commit("kept:a", 1)

    assert published() == [1]


def test_order_is_that_of_the_rows(store: redis.Redis) -> None:
    """Several in one transaction; what an earlier one left over goes before."""
    with override_tandem(redis_urls=["redis://127.0.0.1:1/0"]):
        publish_on_commit("kept:a", 0)
    with transaction.atomic():
        for number in (1, 2, 3):
            publish_on_commit("kept:a", number)

    assert published() == [0, 1, 2, 3]
    assert OutboxEntry.objects.count() == 0


@pytest.mark.parametrize(
    ("channel", "data", "error"),
    [("nowhere:a", 1, UnknownNamespace), ("kept:a b", 1, InvalidChannel), ("kept:a", object(), ValueError)],
)
def test_malformed_publication_ends_the_transaction(
    store: redis.Redis, channel: str, data: Any, error: type[Exception]
) -> None:
    """Before anything is committed."""
    with pytest.raises(error), transaction.atomic():
        publish_on_commit(channel, data)

    assert OutboxEntry.objects.count() == 0


def test_redis_away_is_no_error(no_redis: None, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be sent waits, and the log says so."""
    publish_on_commit("kept:a", 1)

    assert OutboxEntry.objects.count() == 1
    assert [record.message for record in caplog.records] == ["outbox.waiting"]


def test_bug_after_the_commit_is_no_error_either(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is committed; the request has nothing to fail for."""
    monkeypatch.setattr(outbox, "publish_many", lambda drafts: 1 / 0)
    publish_on_commit("kept:a", 1)
    monkeypatch.undo()
    send_left_over(older_than=NOW)

    assert published() == [1]


def test_worker_sends_what_is_left_over(store: redis.Redis) -> None:
    """Redis was away for more rows than one round trip takes."""
    with override_tandem(redis_urls=["redis://127.0.0.1:1/0"]):
        OutboxEntry.objects.bulk_create(OutboxEntry(channel="kept:a", data=str(n)) for n in range(250))
    sent = send_left_over(older_than=NOW)

    assert sent == 250
    assert published() == [245, 246, 247, 248, 249]
    assert streams.position("kept:a").offset == 250
    assert OutboxEntry.objects.count() == 0


def test_worker_leaves_fresh_rows_to_their_request(store: redis.Redis) -> None:
    """They are about to be sent."""
    OutboxEntry.objects.create(channel="kept:a", data="1")

    assert send_left_over(older_than=timedelta(seconds=5)) == 0


def test_process_that_dies_before_sending_loses_nothing(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is there for the worker."""

    def die(*_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(outbox, "_send_up_to", die)
    with pytest.raises(SystemExit):
        publish_on_commit("kept:a", 1)
    monkeypatch.undo()
    send_left_over(older_than=NOW)

    assert published() == [1]


def test_process_that_dies_after_sending_sends_nothing_twice(
    store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is still there, and Redis knows that it had it."""

    def publish_and_die(drafts: Any) -> Any:
        publisher.publish_many(drafts)
        raise SystemExit

    monkeypatch.setattr(outbox, "publish_many", publish_and_die)
    with pytest.raises(SystemExit):
        publish_on_commit("kept:a", 1)
    monkeypatch.undo()
    left = OutboxEntry.objects.count()
    send_left_over(older_than=NOW)

    assert left == 1
    assert published() == [1]
    assert OutboxEntry.objects.count() == 0


def test_two_workers_send_everything_once(store: redis.Redis) -> None:
    """Both have read the rows before either has sent them."""
    OutboxEntry.objects.bulk_create(OutboxEntry(channel="kept:a", data=str(n)) for n in range(4))
    rows = list(OutboxEntry.objects.order_by("pk"))
    other = threading.Thread(target=publisher.publish_many, args=([outbox._draft(row) for row in rows],))
    other.start()
    outbox._send(rows)
    other.join()

    assert sorted(published()) == [0, 1, 2, 3]
    assert streams.position("kept:a").offset == 4


def test_two_projects_share_a_channel(store: redis.Redis) -> None:
    """The first row of each has the number 1, and both are published."""
    first = OutboxEntry.objects.create(channel="kept:a", data="1")
    second = OutboxEntry(pk=first.pk, channel="kept:a", data="2", created_at=first.created_at + timedelta(seconds=1))
    publisher.publish_many([outbox._draft(first), outbox._draft(second)])

    assert published() == [1, 2]


def test_row_that_cannot_go_holds_up_nothing(store: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    """Its namespace is not declared any more: it stays and is logged once; the others go."""
    bad = OutboxEntry.objects.create(channel="gone:a", data="1")
    OutboxEntry.objects.create(channel="kept:a", data="2")
    sent = [send_left_over(older_than=NOW) for _ in range(3)]

    assert sent == [1, 0, 0]
    assert published() == [2]
    assert list(OutboxEntry.objects.values_list("pk", flat=True)) == [bad.pk]
    assert [(record.message, record.levelno) for record in caplog.records] == [("outbox.refused", logging.ERROR)]


def test_many_rows_that_cannot_go_hold_up_nothing(store: redis.Redis) -> None:
    """More than fit into one round trip, all older than the one that can."""
    OutboxEntry.objects.bulk_create(OutboxEntry(channel="gone:a", data="1") for _ in range(150))
    publish_on_commit("kept:a", 2)
    OutboxEntry.objects.create(channel="kept:a", data="3")
    send_left_over(older_than=NOW)

    assert published() == [2, 3]


def test_shard_that_is_away_makes_no_repeats(store: redis.Redis, redis_url: str) -> None:
    """What the other shard took is deleted at once: later its key would be forgotten."""
    here = next(f"kept:{n}" for n in range(99) if shard_for(f"kept:{n}", 2) == 0)
    there = next(f"kept:{n}" for n in range(99) if shard_for(f"kept:{n}", 2) == 1)
    OutboxEntry.objects.create(channel=there, data="1")
    OutboxEntry.objects.create(channel=here, data="2")
    with override_tandem(redis_urls=[redis_url, f"redis://127.0.0.1:{free_port()}/0"]):
        with pytest.raises(RedisUnavailable):
            send_left_over(older_than=NOW)

    assert list(OutboxEntry.objects.values_list("channel", flat=True)) == [there]


def test_command_sends_once_and_says_how_many(store: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    """For a cron job."""
    OutboxEntry.objects.create(channel="kept:a", data="1")
    OutboxEntry.objects.update(created_at="2026-01-01T00:00:00Z")
    call_command("outbox", "--once")

    assert capsys.readouterr().out == "sent 1\n"


PROJECT = """
import sys
from django.conf import settings
import json, os
settings.configure(
    SECRET_KEY="x", INSTALLED_APPS=["tandem"], USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1]}},
)
import django
django.setup()
from django.core.management import call_command
if sys.argv[2] == "outbox":
    call_command("outbox", "--interval", "0.05")
elif sys.argv[2] == "commit-and-die":
    call_command("migrate", verbosity=0)
    from tandem import outbox
    outbox._send_up_to = lambda *_: os.kill(os.getpid(), 9)
    outbox.publish_on_commit("public:a", "survived")
"""


def test_worker_sends_for_a_killed_process_and_ends_on_sigterm(own_redis: RedisServer, tmp_path: Path) -> None:
    """A process commits and is killed -9; the worker, begun before Redis is back, sends and then exits with 0."""
    environ = {**os.environ, "TANDEM_DEBUG": "1", "TANDEM_REDIS_URLS": own_redis.url}
    arguments = [sys.executable, "-c", PROJECT, str(tmp_path / "db.sqlite3")]
    killed = subprocess.run([*arguments, "commit-and-die"], env=environ, check=False, timeout=20)
    own_redis.kill()
    worker = subprocess.Popen([*arguments, "outbox"], env=environ, stderr=subprocess.DEVNULL)
    own_redis.start()
    with redis.Redis.from_url(own_redis.url) as client:
        wait_until(lambda: client.xlen("tandem:stream:{public:a}") == 1, what="the worker's publication")
    worker.send_signal(signal.SIGTERM)

    assert killed.returncode == -signal.SIGKILL
    assert worker.wait(5) == 0
