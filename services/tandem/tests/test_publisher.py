"""Publishing: from sync and async code, once per key, in order; errors have a type and come within a second."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import msgspec
import pytest
import redis

import tandem
from rig.overrides import override_tandem
from rig.servers import RedisServer, free_port, wait_until
from tandem import Position, RedisUnavailable, apublish, publish, publisher, streams
from tandem.errors import InvalidChannel, RedisReplyError, UnknownNamespace
from tandem.groups import group_for, layer_channel
from tandem.publisher import Draft, publish_many
from tandem.shards import shards


def kept(channel: str) -> list[Any]:
    """Return the data of the stream of *channel*."""
    return [msgspec.json.decode(each.data) for each in streams.history(channel, limit=-1).publications]


def test_offsets_count_from_one(store: redis.Redis) -> None:
    """1, 2, 3 in one epoch; each channel for itself."""
    positions = [publish("kept:a", number) for number in range(3)]

    assert [position.offset for position in positions] == [1, 2, 3]
    assert len({position.epoch for position in positions}) == 1
    assert publish("kept:b", 0).offset == 1
    assert tandem.position("kept:a") == positions[-1]


def test_stream_keeps_as_many_as_its_namespace_says(store: redis.Redis) -> None:
    """history_size 5: the oldest go."""
    for number in range(8):
        publish("kept:a", number)

    assert kept("kept:a") == [3, 4, 5, 6, 7]
    assert 50 < store.ttl("tandem:stream:{kept:a}") <= 60
    assert store.ttl("tandem:meta:{kept:a}") > 86_400


def test_live_copy_carries_offset_and_epoch(store: redis.Redis) -> None:
    """One message of the channel layer, readable by any of its consumers."""
    listener = store.pubsub()
    listener.subscribe(layer_channel(group_for("kept:a")))
    listener.get_message(timeout=1)
    position = publish("kept:a", {"x": 1}, tags={"kind": "new"}, request_id="r1")
    message = listener.get_message(timeout=1)
    listener.close()

    assert message is not None
    told = msgspec.msgpack.decode(message["data"])
    assert abs(told.pop("time") - time.time() * 1000) < 5000
    assert told == {
        "type": "publication",
        "channel": "kept:a",
        "json": b'{"x":1}',
        "tags": b'{"kind":"new"}',
        "request": "r1",
        "offset": 1,
        "epoch": position.epoch,
    }


def test_channel_without_history_has_no_position(store: redis.Redis) -> None:
    """Nothing of it is kept in Redis."""
    assert publish("live:a", 1) == Position("", 0)
    assert store.keys("*live:a*") == []


async def test_async_code_publishes_without_blocking(store: redis.Redis) -> None:
    """`apublish`, and `publish` itself where a loop is running."""
    first = await apublish("kept:a", 1)
    second = publish("kept:a", 2)
    many = await asyncio.gather(*(apublish("kept:b", number) for number in range(20)))

    assert (first.offset, second.offset) == (1, 2)
    assert sorted(position.offset for position in many) == list(range(1, 21))


def test_same_key_publishes_once(store: redis.Redis) -> None:
    """The repeat answers with the position of the first; in another channel the key is another one."""
    first = publish("kept:a", 1, idempotency_key="k")
    again = publish("kept:a", 2, idempotency_key="k")
    other = publish("kept:b", 3, idempotency_key="k")

    assert (again, other.offset) == (first, 1)
    assert kept("kept:a") == [1]
    assert 290 < store.ttl("tandem:once:{kept:a}:k") <= 300


def test_same_key_publishes_once_without_history(store: redis.Redis) -> None:
    """Also where there is no stream to compare with."""
    listener = store.pubsub()
    listener.subscribe(layer_channel(group_for("live:a")))
    for number in range(3):
        publish("live:a", number, idempotency_key="k")
    messages = [listener.get_message(timeout=0.2) for _ in range(3)]
    listener.close()

    assert [bool(message) for message in messages] == [True, True, False]  # one is the confirmation


def test_outdated_version_is_not_published(store: redis.Redis) -> None:
    """Nor the same again; another version epoch begins anew, and without a version all is published."""
    seen: list[str] = []
    publisher.observers.append(lambda outcome, seconds: seen.append(outcome))
    try:
        first = publish("kept:a", "five", version=5)
        again = publish("kept:a", "five again", version=5)
        publish("kept:a", "four", version=4)
        publish("kept:a", "one of x", version=1, version_epoch="x")
        publish("kept:a", "none")
        publish("kept:a", "huge", version=2**64 - 1, version_epoch="x")
        last = publish("kept:a", "large", version=2**64 - 2, version_epoch="x")
    finally:
        publisher.observers.pop()

    assert kept("kept:a") == ["five", "one of x", "none", "huge"]
    assert (again, last.offset) == (first, 4)
    assert seen == ["ok", "outdated", "outdated", "ok", "ok", "ok", "outdated"]


def test_many_go_in_order(store: redis.Redis) -> None:
    """One round trip for all, each with its position."""
    outcomes = publish_many([Draft("kept:a", 0), Draft("kept:b", 1), Draft("kept:a", 2), Draft("live:a", 3)])

    assert [position.offset for position in outcomes if isinstance(position, Position)] == [1, 1, 2, 0]
    assert kept("kept:a") == [0, 2]


def test_history_can_be_skipped(store: redis.Redis) -> None:
    """Who is connected gets it, who comes later does not."""
    [outcome] = publish_many([Draft("kept:a", 1, skip_history=True)])

    assert outcome == Position("", 0)
    assert kept("kept:a") == []


def test_refused_publication_does_not_refuse_the_others(store: redis.Redis) -> None:
    """An error stands in its place."""
    store.set("tandem:stream:{kept:a}", "not a stream")
    store.hset("tandem:meta:{kept:a}", mapping={"e": "x", "o": 0, "i": store.hget("tandem:boot", "incarnation") or ""})
    publish("kept:b", 0)
    store.hset("tandem:meta:{kept:a}", "i", store.hget("tandem:boot", "incarnation") or b"")
    refused, accepted = publish_many([Draft("kept:a", 1), Draft("kept:b", 2)])

    assert isinstance(refused, RedisReplyError)
    assert "WRONGTYPE" in refused.text
    assert isinstance(accepted, Position)
    with pytest.raises(RedisReplyError, match="WRONGTYPE"):
        publish("kept:a", 1)


@pytest.mark.parametrize(
    ("channel", "data", "options", "error"),
    [
        ("", 1, {}, InvalidChannel),
        ("kept:a b", 1, {}, InvalidChannel),
        ("nowhere:a", 1, {}, UnknownNamespace),
        ("kept:a", object(), {}, ValueError),
        ("kept:a", 1, {"tags": {"a": object()}}, ValueError),
        ("kept:a", 1, {"tags": {"a": 1}}, ValueError),
        ("kept:a", 1, {"version": 2**64}, ValueError),
        ("kept:a", 1, {"version": -1}, ValueError),
        ("kept:a", 1, {"version_epoch": "x"}, ValueError),
        ("live:a", 1, {"version": 1}, ValueError),
        ("kept:a", 1, {"tags": {"a": None}}, ValueError),
        ("kept:a", 1, {"idempotency_key": "k" * 256}, ValueError),
    ],
)
def test_malformed_publication_is_refused(
    store: redis.Redis, channel: str, data: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    """Before Redis hears of it."""
    with pytest.raises(error):
        publish(channel, data, **options)

    assert store.keys("tandem:meta*") == []


def test_too_large_a_publication_is_refused(store: redis.Redis) -> None:
    """Where it is published, with both sizes; the largest goes."""
    with override_tandem(max_publication_bytes=100):
        publish("kept:a", "x" * 98)
        with pytest.raises(ValueError, match="a publication to kept:a has 101 bytes, and 100 are the most"):
            publish("kept:a", "x" * 99)

    assert tandem.position("kept:a").offset == 1


def test_no_redis_is_told_at_once() -> None:
    """With our type, which is redis-py's too."""
    with override_tandem(redis_urls=[f"redis://127.0.0.1:{free_port()}/0"]):
        started = time.monotonic()
        with pytest.raises(RedisUnavailable) as caught:
            publish("kept:a", 1)

    assert isinstance(caught.value, redis.ConnectionError)
    assert time.monotonic() - started < 0.5


def test_frozen_redis_is_told_once_and_then_at_once(own_redis: RedisServer) -> None:
    """One waits a quarter of a second, nobody after that; it is found again when it thaws."""
    with override_tandem(redis_urls=[own_redis.url]):
        publish("kept:a", 1)
        own_redis.signal(signal.SIGSTOP)
        durations = []
        for _ in range(20):
            started = time.monotonic()
            with pytest.raises(RedisUnavailable):
                publish("kept:a", 2)
            durations.append(time.monotonic() - started)
        nowhere = tandem.position("kept:a")
        own_redis.signal(signal.SIGCONT)
        wait_until(lambda: not shards().is_away(0), seconds=3, what="the breaker")
        position = publish("kept:a", 3)

    assert 0.2 < durations[0] < 0.6
    assert max(durations[1:]) < 0.05
    assert nowhere is None
    assert position.offset >= 2


def test_restarted_redis_takes_the_next_publish(own_redis: RedisServer) -> None:
    """The pool's old connections and the forgotten scripts cost nobody an error."""
    with override_tandem(redis_urls=[own_redis.url]):
        before = publish("kept:a", 1)
        own_redis.kill()
        own_redis.start()
        after = publish("kept:a", 2)

    assert after.offset == 1
    assert after.epoch != before.epoch


def test_observers_hear_of_every_outcome(store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics are made of this."""
    heard: list[str] = []
    monkeypatch.setattr(publisher, "observers", [lambda outcome, seconds: heard.append(outcome)])
    publish("kept:a", 1, idempotency_key="k")
    publish("kept:a", 1, idempotency_key="k")
    with override_tandem(redis_urls=["redis://127.0.0.1:1/0"]), pytest.raises(RedisUnavailable):
        publish("kept:a", 1)

    assert heard == ["ok", "repeat", "RedisUnavailable"]
