"""One Redis, processes with channels-redis's layer and processes with ours: they share channels and groups."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from channels_redis.pubsub import RedisPubSubChannelLayer
from cryptography.fernet import InvalidToken

from rig.servers import RedisServer
from tandem.layer import ChannelLayer
from tests.layers import Make, open_channel, receive, subscribers, until_subscribed

PAIRS = [
    pytest.param((RedisPubSubChannelLayer, ChannelLayer), id="channels-redis-to-tandem"),
    pytest.param((ChannelLayer, RedisPubSubChannelLayer), id="tandem-to-channels-redis"),
]


def test_from_synchronous_code(kind: type[Any], redis_url: str) -> None:
    """Code without an event loop sends through async_to_sync; each loop's connections are closed with it."""
    layer = kind(hosts=[redis_url])
    client = redis.Redis.from_url(redis_url)
    pubsub = client.pubsub()
    pubsub.subscribe("asgi__group__group")
    assert pubsub.get_message(timeout=5)["type"] == "subscribe"
    before = len(client.client_list())

    for number in range(5):
        async_to_sync(layer.group_send)("group", {"type": "x", "number": number})

    received = [layer.deserialize(pubsub.get_message(timeout=5)["data"])["number"] for _ in range(5)]
    assert received == [0, 1, 2, 3, 4]
    assert layer._layers == {}
    assert len(client.client_list()) == before
    pubsub.close()
    client.close()


@pytest.mark.parametrize("kinds", PAIRS)
@pytest.mark.parametrize(
    "options",
    [{}, {"serializer_format": "json"}, {"prefix": "mine"}, {"symmetric_encryption_keys": ["new", "old"]}],
    ids=str,
)
async def test_interoperates(
    kinds: tuple[type[Any], type[Any]], options: dict[str, Any], redis_url: str, opened: list[Any]
) -> None:
    """Processes of one kind and of the other share channels and groups."""
    sender, receiver = (kind(hosts=[redis_url], **options) for kind in kinds)
    opened.extend([sender, receiver])
    channel = await receiver.new_channel()
    await receiver.group_add("group", channel)
    await until_subscribed(redis_url, channel)
    await until_subscribed(redis_url, f"{options.get('prefix', 'asgi')}__group__group")

    await sender.send(channel, {"type": "to.channel"})
    assert await receive(receiver, channel) == {"type": "to.channel"}
    await sender.group_send("group", {"type": "to.group"})
    assert await receive(receiver, channel) == {"type": "to.group"}


async def test_encryption(make: Make, redis_url: str) -> None:
    """Nothing readable goes over the wire, an old key still reads, and a foreign key does not."""
    old, new, foreign = (make(symmetric_encryption_keys=keys) for keys in (["old"], ["new", "old"], ["foreign"]))
    channel = await open_channel(new, redis_url)

    assert b"secret" not in new.serialize({"type": "secret"})
    await old.send(channel, {"type": "secret"})
    assert await receive(new, channel) == {"type": "secret"}
    await foreign.send(channel, {"type": "secret"})
    with pytest.raises(InvalidToken):
        await receive(new, channel)


@pytest.mark.parametrize("kinds", PAIRS)
async def test_shards(
    kinds: tuple[type[Any], type[Any]], redis_url: str, own_redis: RedisServer, opened: list[Any]
) -> None:
    """With two Redis both kinds put each channel and each group on the same one."""
    urls = [redis_url, own_redis.url]
    sender, receiver = (kind(hosts=urls) for kind in kinds)
    opened.extend([sender, receiver])
    groups = [f"group{number}" for number in range(20)]
    channel = await receiver.new_channel()
    for group in groups:
        await receiver.group_add(group, channel)
    async with asyncio.timeout(5):
        while True:
            counts = [sum([await subscribers(url, f"asgi__group__{group}") for group in groups]) for url in urls]
            if sum(counts) == len(groups):
                break

    for group in groups:
        await sender.group_send(group, {"type": "x", "group": group})

    assert min(counts) > 0, "both shards are in use"
    assert sorted([(await receive(receiver, channel))["group"] for _ in groups]) == sorted(groups)
