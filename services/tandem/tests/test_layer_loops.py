"""Event loops come and go, as in synchronous code, and other kinds of loop than asyncio's own."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync

from tandem.layer import ChannelLayer
from tests.layers import Listener, subscribers


def test_uvloop(redis_url: str) -> None:
    """Under uvloop, whose transports are classes of its own, all is the same."""
    uvloop = pytest.importorskip("uvloop", reason="nothing needs uvloop; whoever has it may use it")
    layer = ChannelLayer(hosts=[redis_url])

    async def visit() -> list[int]:
        listener = Listener(layer)
        await layer.listen(["a"], listener.hear)
        return await listener.numbers("a", 2)

    assert uvloop.run(visit()) == [0, 1]
    assert layer._layers == {}


def test_loops_come_and_go(redis_url: str) -> None:
    """Each loop has its own subscriptions; when it is closed nothing is left of it: no socket, no task, no warning."""
    layer = ChannelLayer(hosts=[redis_url])

    async def visit() -> list[tuple[str, Any]]:
        listener = Listener(layer)
        await layer.listen(["a"], listener.hear)
        assert await subscribers(redis_url, "asgi__group__a") == 1
        await listener.numbers("a", 2)
        return listener.got

    with redis.Redis.from_url(redis_url) as client, warnings.catch_warnings():
        warnings.simplefilter("error")
        before = len(client.client_list())
        visits = [asyncio.run(visit()) for _ in range(3)] + [async_to_sync(visit)()]
        gc.collect()
        after = len(client.client_list())

    assert visits == [[("a", {"type": "n", "number": number}) for number in range(2)]] * 4
    assert layer._layers == {}
    assert after == before


def test_several_layers_of_one_loop(redis_url: str) -> None:
    """The end of the loop closes the connections of each."""
    layers = [ChannelLayer(hosts=[redis_url], prefix=prefix) for prefix in ("one", "two", "three")]

    async def visit() -> None:
        for layer in layers:
            await layer.listen(["a"], Listener(layer).hear)

    with redis.Redis.from_url(redis_url) as client:
        before = len(client.client_list())
        asyncio.run(visit())

        assert len(client.client_list()) == before
    assert [layer._layers for layer in layers] == [{}, {}, {}]


def test_loop_that_ends_while_redis_is_down() -> None:
    """A call from synchronous code fails with the error, and its loop closes without waiting for Redis."""
    layer = ChannelLayer(hosts=["redis://127.0.0.1:1"])

    with pytest.raises(redis.ConnectionError, match=r"127\.0\.0\.1:1/0 is down"):
        async_to_sync(layer.group_send)("group", {"type": "x"})

    assert layer._layers == {}
