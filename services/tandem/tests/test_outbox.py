"""The outbox: what was committed is published once and in order, whatever dies in between."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import redis
from django.core.exceptions import SynchronousOnlyOperation
from django.core.management import call_command
from django.db import transaction
from django.db.models.functions import Now

from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port, wait_until
from tandem import RedisUnavailable, apublish_on_commit, conf, publish, publish_on_commit, scripts, streams
from tandem.errors import InvalidChannel, UnknownNamespace
from tandem.groups import shard_for
from tandem.models import OutboxEntry
from tandem.outbox import batch, count_rows, rows, send_left_over, settling
from tandem.outbox.sending import send
from tandem.poke import CHANNEL
from tandem.shards import shards

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timedelta(0)


@pytest.fixture(autouse=True)
def _nothing_told() -> None:
    """What an earlier test logged is not held back in the next."""
    settling._repeats.clear()


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


async def test_async_code_has_a_twin(store: redis.Redis) -> None:
    """And the name of it in the error of the other."""
    with pytest.raises(SynchronousOnlyOperation, match="apublish_on_commit"):
        publish_on_commit("kept:a", 1)
    await apublish_on_commit("kept:a", 2)

    assert await asyncio.to_thread(published) == [2]


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


def test_hung_redis_costs_a_commit_nothing_once_that_is_known(own_redis: RedisServer) -> None:
    """Twenty publications each: the first commit waits a quarter of a second, the next ones for nothing."""
    with override_tandem(redis_urls=[own_redis.url]):
        publish_on_commit("kept:a", 0)
        own_redis.signal(signal.SIGSTOP)
        seconds = []
        for _ in range(5):
            started = time.perf_counter()
            with transaction.atomic():
                for number in range(20):
                    publish_on_commit(f"kept:{number}", number)
            seconds.append(time.perf_counter() - started)
        own_redis.signal(signal.SIGCONT)
        wait_until(lambda: not shards().is_away(0), seconds=3, what="the breaker")
        left = OutboxEntry.objects.count()
        send_left_over(older_than=NOW)
        whole = published("kept:7")

    assert seconds[0] < 0.6
    assert max(seconds[1:]) < 0.1
    assert (left, whole) == (100, [7] * 5)


def test_redis_away_is_no_error(no_redis: None, caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be sent waits, and the log says so."""
    publish_on_commit("kept:a", 1)

    assert OutboxEntry.objects.count() == 1
    assert [record.message for record in caplog.records] == ["outbox.waiting"]


def test_bug_after_the_commit_is_no_error_either(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The row is committed; the request has nothing to fail for."""
    monkeypatch.setattr(batch, "send_committed", lambda *_: 1 / 0)
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


def test_row_that_cannot_go_is_set_aside(store: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    """Its namespace is not declared any more: it stays, with the reason, and is logged once; the others go."""
    OutboxEntry.objects.bulk_create(OutboxEntry(channel="gone:a", data=str(n)) for n in range(250))
    publish_later("kept:a", 2)
    sent = [send_left_over(older_than=NOW) for _ in range(3)]
    one = OutboxEntry.objects.filter(channel="gone:a").last()

    assert sent == [1, 0, 0]
    assert published() == [2]
    assert count_rows() == {"waiting": 0, "set_aside": 250}
    assert (one.state, one.reason) == ("set_aside", "the namespace of 'gone:a' is not declared")
    assert one.set_aside_at is not None
    assert [(record.message, record.levelno) for record in caplog.records] == [("outbox.set_aside", logging.ERROR)]


def test_hole_that_a_row_set_aside_leaves_is_told(store: redis.Redis) -> None:
    """Too large by a limit that was lowered: what came before it and what comes after are not one stream."""
    publish_on_commit("kept:a", 1)
    before = streams.position("kept:a")
    for data in (2, "x" * 100, 3):
        publish_later("kept:a", data)
    with override_tandem(redis_urls=conf.redis_urls(), max_publication_bytes=50):
        send_left_over(older_than=NOW)
        after = streams.position("kept:a")

    assert after.epoch != before.epoch
    assert published() == [3]
    assert list(OutboxEntry.objects.values_list("reason", flat=True)) == ["the data has more than 50 bytes"]


def test_what_redis_refuses_for_good_is_set_aside_too(store: redis.Redis) -> None:
    """A key of another kind is where the stream should be; the new epoch takes it away, and the rest goes."""
    publish_on_commit("kept:a", 0)
    store.delete(scripts.stream_key("kept:a"))
    store.set(scripts.stream_key("kept:a"), "not a stream")
    for number in (1, 2):
        publish_later("kept:a", number)
    send_left_over(older_than=NOW)
    [entry] = OutboxEntry.objects.all()

    assert (entry.data, entry.reason.partition(" ")[0]) == ("1", "WRONGTYPE")
    assert published() == [2]


def test_passing_refusal_stops_the_channel_and_reorders_nothing(own_redis: RedisServer) -> None:
    """Redis is at its limit again and again: whatever was refused goes before what came after it."""
    with override_tandem(redis_urls=[own_redis.url], namespaces={"kept": {"history_size": 500, "history_ttl": 60}}):
        client = redis.Redis.from_url(own_redis.url)
        publish_on_commit("kept:a", 0)
        stop = threading.Event()
        flapping = threading.Thread(target=flap, args=(client, stop))
        flapping.start()
        for number in range(1, 200):
            publish_on_commit("kept:a", number)
            if number % 20 == 0:
                send_left_over(older_than=NOW)
        stop.set()
        flapping.join()
        send_left_over(older_than=NOW)

        assert published() == list(range(200))
    assert count_rows() == {"waiting": 0, "set_aside": 0}


def flap(client: redis.Redis, stop: threading.Event) -> None:
    """Take the memory away and give it back."""
    limits = itertools.cycle([1, 0])
    while not stop.wait(0.003):
        client.config_set("maxmemory", next(limits))
    client.config_set("maxmemory", 0)


def test_refusal_of_one_channel_is_no_other_s(store: redis.Redis) -> None:
    """The user may not write the keys of one: that one waits."""
    store.execute_command(
        "ACL", "SETUSER", "narrow", "on", ">secret", "~*{kept:b}*", "~tandem:bo*", "~tandem:rights*", "&*", "+@all"
    )
    url = conf.redis_urls()[0].replace("redis://", "redis://narrow:secret@")
    for channel in ("kept:a", "kept:b", "kept:a"):
        publish_later(channel, 1)
    with override_tandem(redis_urls=[url]):
        sent = send_left_over(older_than=NOW)
    store.execute_command("ACL", "DELUSER", "narrow")

    assert sent == 1
    assert count_rows() == {"waiting": 2, "set_aside": 0}


def test_request_sends_twenty_older_rows_and_no_more(store: redis.Redis) -> None:
    """Where more wait it leaves its own to the worker, which is told."""
    heard = store.pubsub()
    heard.subscribe(CHANNEL)
    heard.get_message(timeout=1)
    for number in range(20):
        publish_later("kept:a", number)
    publish_on_commit("kept:a", 20)
    first = streams.position("kept:a").offset
    for number in range(21):
        publish_later("kept:a", number)
    quiet = heard.get_message(timeout=0.1)
    publish_on_commit("kept:a", 21)
    told = heard.get_message(timeout=1)
    heard.close()

    assert first == 21
    assert quiet is None
    assert told is not None
    assert OutboxEntry.objects.count() == 22
    assert send_left_over(older_than=NOW) == 22


def test_rows_that_can_be_seen_together_go_in_order_whatever_their_age(store: redis.Redis) -> None:
    """A long transaction wrote the later number at an earlier time."""
    publish_later("kept:a", 1)
    publish_later("kept:a", 2)
    OutboxEntry.objects.filter(data="2").update(created_at=Now() - timedelta(hours=1))
    send_left_over(older_than=timedelta(seconds=30))

    assert published() == [1, 2]


def publish_later(channel: str, data: Any) -> None:
    """Leave a row, as a process that died after its commit does."""
    OutboxEntry.objects.create(channel=channel, data=msgspec.json.encode(data).decode())


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
