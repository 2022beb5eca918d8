"""What requests leave in the outbox, whatever they died of: the workers send it once and in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db.models.functions import Now

from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port, wait_until
from tandem import RedisUnavailable, publish, publish_on_commit, streams
from tandem.groups import shard_for
from tandem.models import OutboxEntry
from tandem.outbox import batch, rows, send_left_over, settling
from tandem.outbox.sending import send
from tandem.shards import shards
from tests.outboxes import NOW, publish_later, published

pytestmark = pytest.mark.django_db(transaction=True)


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

    monkeypatch.setattr(batch, "send_committed", die)
    with pytest.raises(SystemExit):
        publish_on_commit("kept:a", 1)
    monkeypatch.undo()
    send_left_over(older_than=NOW)

    assert published() == [1]


def test_process_that_dies_after_sending_sends_nothing_twice(
    store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is still there, and Redis knows that it had it."""

    def die(*_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(rows, "delete", die)
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
    read = rows.read(rows.waiting("default"))
    other = threading.Thread(target=send, args=(read, shards()))
    other.start()
    send(read, shards())
    other.join()

    assert published() == [0, 1, 2, 3]
    assert streams.position("kept:a").offset == 4


def test_worker_that_stood_still_sends_nothing_again(store: redis.Redis) -> None:
    """It read the rows, and somebody else sent and deleted them before it went on: the keys outlive the rows."""
    publish_later("kept:a", 1)
    read = rows.read(rows.waiting("default"))
    send_left_over(older_than=NOW)
    [key] = store.keys("tandem:once:*")
    wait_until(lambda: store.ttl(key) <= 300, what="the end of its week")
    send(read, shards())

    assert published() == [1]


def test_fork_begins_with_no_keys_to_let_go(store: redis.Redis) -> None:
    """Those of its parent are its parent's, and so is the thread that it would wait for."""
    publish_on_commit("kept:a", 1)
    child = os.fork()
    if not child:
        os._exit(len(settling._forgotten._rows))
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_key_lives_a_week_while_its_row_is_there(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partition between the worker and SQL may last for longer than five minutes."""
    publish_later("kept:a", 1)
    send(rows.read(rows.waiting("default")), shards())
    [key] = store.keys("tandem:once:*")

    assert 6 * 24 * 3600 < store.ttl(key) <= 7 * 24 * 3600


def test_row_that_is_older_than_its_key_goes_under_a_new_epoch(store: redis.Redis) -> None:
    """Nobody knows any more whether it was sent: everybody is told to reload."""
    publish_on_commit("kept:a", 1)
    before = streams.position("kept:a")
    OutboxEntry.objects.bulk_create(OutboxEntry(channel="kept:a", data=str(n)) for n in (2, 3))
    OutboxEntry.objects.update(created_at="2026-01-01T00:00:00Z")
    send_left_over()
    after = streams.position("kept:a")

    assert after.epoch != before.epoch
    assert (after.offset, published()) == (2, [2, 3])


def test_two_projects_share_a_channel(store: redis.Redis) -> None:
    """The first row of each has the number 1, and both are published."""
    publish_later("kept:a", 1)
    [first] = rows.read(rows.waiting("default"))
    OutboxEntry.objects.all().delete()
    OutboxEntry.objects.create(pk=first.pk, channel="kept:a", data="2")
    send([first], shards())
    send_left_over(older_than=NOW)

    assert published() == [1, 2]


def test_row_of_the_release_before_is_known_by_its_old_key(store: redis.Redis) -> None:
    """0.1 sent it and died; the row has no key of its own."""
    publish_later("kept:a", 1)
    OutboxEntry.objects.update(key="")
    entry = OutboxEntry.objects.get()
    publish("kept:a", 1, idempotency_key=f"outbox:{entry.pk}:{entry.created_at.timestamp():.6f}")
    send_left_over(older_than=NOW)

    assert published() == [1]


def test_rows_that_can_be_seen_together_go_in_order_whatever_their_age(store: redis.Redis) -> None:
    """A long transaction wrote the later number at an earlier time."""
    publish_later("kept:a", 1)
    publish_later("kept:a", 2)
    OutboxEntry.objects.filter(data="2").update(created_at=Now() - timedelta(hours=1))
    send_left_over(older_than=timedelta(seconds=30))

    assert published() == [1, 2]


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
    call_command("runworker", "tandem", "--once")

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
from django.core.exceptions import SynchronousOnlyOperation
from django.core.management import call_command
if sys.argv[2] == "work":
    call_command("runworker", "tandem", "--interval", "0.05")
elif sys.argv[2] == "commit-and-die":
    call_command("migrate", verbosity=0)
    from tandem import outbox
    outbox.batch.send_committed = lambda *_: os.kill(os.getpid(), 9)
    outbox.publish_on_commit("public:a", "survived")
"""


def test_worker_sends_for_a_killed_process_and_ends_on_sigterm(own_redis: RedisServer, tmp_path: Path) -> None:
    """A process commits and is killed -9; the worker, begun before Redis is back, sends and then exits with 0."""
    environ = {**os.environ, "TANDEM_DEBUG": "1", "TANDEM_REDIS_URLS": own_redis.url}
    arguments = [sys.executable, "-c", PROJECT, str(tmp_path / "db.sqlite3")]
    killed = subprocess.run([*arguments, "commit-and-die"], env=environ, check=False, timeout=20)
    own_redis.kill()
    worker = subprocess.Popen([*arguments, "work"], env=environ, stderr=subprocess.DEVNULL)
    own_redis.start()
    with redis.Redis.from_url(own_redis.url) as client:
        wait_until(lambda: client.xlen("tandem:stream:{public:a}") == 1, what="the worker's publication")
    worker.send_signal(signal.SIGTERM)

    assert killed.returncode == -signal.SIGKILL
    assert worker.wait(5) == 0
