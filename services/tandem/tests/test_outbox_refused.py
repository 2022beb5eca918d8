"""Rows that cannot go: for good they are set aside, for a while they hold their channel up."""

from __future__ import annotations

import itertools
import logging
import threading

import pytest
import redis

from rig.overrides import override_tandem
from rig.servers import RedisServer
from tandem import conf, publish_on_commit, scripts, streams
from tandem.models import OutboxEntry
from tandem.outbox import count_rows, send_left_over
from tests.outboxes import NOW, publish_later, published

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_told")]


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
