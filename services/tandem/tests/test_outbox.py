"""The outbox, as a request sees it: what was committed is published once and in order."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.core.exceptions import SynchronousOnlyOperation
from django.db import transaction

from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port, wait_until
from tandem import apublish_on_commit, publish_on_commit, streams
from tandem.errors import InvalidChannel, UnknownNamespace
from tandem.models import OutboxEntry
from tandem.outbox import batch, send_left_over
from tandem.poke import CHANNEL
from tandem.shards import shards
from tests.outboxes import NOW, publish_later, published

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_told")]


@pytest.fixture
def no_redis() -> Iterator[None]:
    """Redis is away."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        yield


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
