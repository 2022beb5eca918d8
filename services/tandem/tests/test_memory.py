"""The memory backend: the library without Redis, from threads and from event loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from rig.overrides import override_tandem
from tandem import census, conf, presence, publish, streams, tickets
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, UnrecoverablePosition
from tandem.groups import group_for
from tandem.layer import ChannelLayer
from tandem.memory.store import Store, store
from tandem.publication import Position, decode
from tests.layers import until


@pytest.fixture(autouse=True)
def memory() -> Iterator[Store]:
    """No Redis anywhere, and an empty store."""
    with override_tandem(redis_urls=[]), override_settings(DEBUG=True):
        store().flush()
        yield store()


def test_development_without_redis_stays_in_the_process() -> None:
    """So do tests; in production somebody has to say where Redis is."""
    assert conf.redis_urls() == ("memory://",)


def test_production_without_redis_is_refused() -> None:
    """It names what to set."""
    with override_settings(DEBUG=False), pytest.MonkeyPatch.context() as patch:
        patch.setattr(conf, "is_testing", lambda: False)
        with pytest.raises(ImproperlyConfigured, match="TANDEM_REDIS_URLS"):
            conf.redis_urls()


def test_stream_has_positions_history_and_an_epoch() -> None:
    """As with Redis."""
    first, second = publish("kept:a", 1), publish("kept:a", {"b": 2})
    history = streams.history("kept:a", since=first, limit=10)

    assert (first.offset, second.offset, first.epoch) == (1, 2, second.epoch)
    assert history.position == second
    assert [each.data for each in history.publications] == [b'{"b":2}']
    with pytest.raises(UnrecoverablePosition):
        streams.history("kept:a", since=Position("another", 1), limit=10)


def test_emptied_store_is_a_new_epoch(memory: Store) -> None:
    """Nobody takes the new stream for the old."""
    before = publish("kept:a", 1)
    memory.flush()

    assert streams.position("kept:a").epoch != before.epoch


def test_idempotency_key_publishes_once() -> None:
    """The second answer is the first."""
    assert publish("kept:a", 1, idempotency_key="k") == publish("kept:a", 2, idempotency_key="k")
    assert streams.position("kept:a").offset == 1


def test_ticket_is_taken_once() -> None:
    """By whoever comes first."""
    ticket = tickets.create_ticket("ada")
    shards = AsyncShards(conf.redis_urls())

    async def take() -> object:
        return await shards.clients[0].execute(*tickets.take_command(ticket))

    assert tickets.parse_ticket(asyncio.run(take())).user == "ada"  # type: ignore[arg-type]
    assert asyncio.run(take()) is None


def test_values_run_out() -> None:
    """The clock is passed in."""
    now = 1000.0
    timed = Store(lambda: now)
    timed.execute("SET", "a", "1", "EX", 30)
    now = 1029.0
    before = timed.execute("GET", "a")
    now = 1030.0

    assert (before, timed.execute("GET", "a")) == (b"1", None)


def test_unknown_command_is_refused() -> None:
    """Rather than answered wrongly."""
    with pytest.raises(RedisReplyError, match="unknown command 'GEOADD'"):
        store().execute("GEOADD", "a")


def test_census_of_nobody() -> None:
    """No process listens: no answer, and no wait for one."""
    assert census.take_census() == []


def test_presence_of_nobody() -> None:
    """An empty channel."""
    assert presence.presence("room:a") == {}


async def test_listener_hears_every_thread_in_the_order_of_the_stream() -> None:
    """Publications of many threads reach the event loop with offsets 1, 2, 3 ..."""
    layer, heard = ChannelLayer(), []
    await layer.listen([group_for("kept:a")], lambda group, data: heard.append(decode(data)))
    threads = [threading.Thread(target=lambda: [publish("kept:a", 1) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    await until(lambda: len(heard) == 400)
    for thread in threads:
        thread.join()
    await layer.flush()

    assert [each.offset for each in heard] == list(range(1, 401))


async def test_channels_and_groups_work() -> None:
    """A team's own consumers need no Redis either."""
    layer = ChannelLayer()
    name = await layer.new_channel()
    await layer.group_add("team", name)
    await layer.group_send("team", {"type": "a"})
    await layer.send(name, {"type": "b"})

    assert [await layer.receive(name), await layer.receive(name)] == [{"type": "a"}, {"type": "b"}]
    await layer.flush()


def test_listener_whose_loop_has_ended_is_forgotten(memory: Store) -> None:
    """A test's event loop ends without a word."""

    async def listen() -> None:
        await ChannelLayer().listen([group_for("kept:a")], lambda group, data: None)

    asyncio.run(listen())
    publish("kept:a", 1)

    assert memory._listeners == {}
