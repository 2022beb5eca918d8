"""The public behaviour of the channel layer, asked of channels-redis's pub/sub layer and of ours alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels_redis.serializers import SerializerDoesNotExist
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.layers import Make, assert_empty, open_channel, receive, until_subscribed


@pytest.mark.parametrize(
    "message",
    [
        {"type": "test.message", "text": "Ahoy-hoy!"},
        {"type": "x", "nested": {"list": [1, 2.5, None, True]}, "text": "naïve ☃"},
        {"type": "x", "binary": b"\x00\xff"},
    ],
)
async def test_send_and_receive(make: Make, redis_url: str, message: dict[str, Any]) -> None:
    """A message arrives as it was sent."""
    layer = make()
    channel = await open_channel(layer, redis_url)

    await layer.send(channel, message)

    assert await receive(layer, channel) == message


async def test_order(make: Make, redis_url: str) -> None:
    """Messages arrive in the order in which they were sent."""
    layer = make()
    channel = await open_channel(layer, redis_url)

    for number in range(50):
        await layer.send(channel, {"type": "count", "number": number})

    assert [(await receive(layer, channel))["number"] for _ in range(50)] == list(range(50))


async def test_channel_names(make: Make) -> None:
    """A new channel's name has the layer's prefix, the given one, and something unique."""
    layer = make(prefix="mine.")

    first, second, other = await layer.new_channel(), await layer.new_channel(), await layer.new_channel("my.")

    assert first.startswith("mine.specific.")
    assert other.startswith("mine.my.")
    assert first != second


async def test_receive_on_a_named_channel(make: Make, redis_url: str) -> None:
    """A channel begins with the first receive on it, as workers do."""
    layer = make()
    receiving = asyncio.ensure_future(receive(layer, "worker"))
    await until_subscribed(redis_url, "worker")

    await layer.send("worker", {"type": "job"})

    assert await receiving == {"type": "job"}


async def test_send_to_nobody(make: Make, redis_url: str) -> None:
    """What nobody receives is gone."""
    layer = make()
    await layer.send("nobody", {"type": "lost"})
    await layer.group_send("nobody", {"type": "lost"})

    channel = await open_channel(layer, redis_url, "nobody")

    await assert_empty(layer, channel)


async def test_group(make: Make, redis_url: str) -> None:
    """A message to a group reaches each channel in it, also in another process, and no other channel."""
    layer, elsewhere = make(), make()
    first = await open_channel(layer, redis_url, "group")
    second = await open_channel(layer, redis_url, "group")
    outside = await open_channel(layer, redis_url, "other")
    third = await elsewhere.new_channel()
    await elsewhere.group_add("group", third)
    await until_subscribed(redis_url, "asgi__group__group", 2)

    await elsewhere.group_send("group", {"type": "hello"})

    assert await receive(layer, first) == {"type": "hello"}
    assert await receive(layer, second) == {"type": "hello"}
    assert await receive(elsewhere, third) == {"type": "hello"}
    await assert_empty(layer, outside)


async def test_channel_in_two_groups(make: Make, redis_url: str) -> None:
    """A channel gets what is sent to each of its groups, and what is sent to itself."""
    layer = make()
    channel = await open_channel(layer, redis_url, "one", "two")

    await layer.group_send("one", {"type": "1"})
    await layer.group_send("two", {"type": "2"})
    await layer.send(channel, {"type": "3"})

    assert sorted([(await receive(layer, channel))["type"] for _ in range(3)]) == ["1", "2", "3"]


async def test_added_twice(make: Make, redis_url: str) -> None:
    """A channel that is added twice gets each message once, and one discard is enough."""
    layer = make()
    channel = await open_channel(layer, redis_url, "group", "group")

    await layer.group_send("group", {"type": "once"})
    assert await receive(layer, channel) == {"type": "once"}
    await layer.group_discard("group", channel)
    await until_subscribed(redis_url, "asgi__group__group", 0)
    await layer.group_send("group", {"type": "never"})

    await assert_empty(layer, channel)


async def test_discard(make: Make, redis_url: str) -> None:
    """A discarded channel gets nothing more; the others of the group do."""
    layer = make()
    leaver = await open_channel(layer, redis_url, "group")
    stayer = await open_channel(layer, redis_url, "group")

    await layer.group_discard("group", leaver)
    await layer.group_send("group", {"type": "hello"})

    assert await receive(layer, stayer) == {"type": "hello"}
    await assert_empty(layer, leaver)


async def test_discard_of_what_is_not_there(make: Make, redis_url: str) -> None:
    """Discarding an unknown channel, or from an unknown group, does nothing."""
    layer = make()
    channel = await open_channel(layer, redis_url, "group")

    await layer.group_discard("group", "unknown")
    await layer.group_discard("unknown", channel)
    await layer.group_send("group", {"type": "hello"})

    assert await receive(layer, channel) == {"type": "hello"}


async def test_add_of_a_channel_of_nobody(make: Make) -> None:
    """Only a channel of this process can be added to a group."""
    with pytest.raises(RuntimeError, match="group_add"):
        await make().group_add("group", "unknown")


async def test_several_receivers_share_a_channel(make: Make, redis_url: str) -> None:
    """Each message goes to one of those who wait."""
    layer = make()
    channel = await open_channel(layer, redis_url)
    receiving = [asyncio.ensure_future(receive(layer, channel)) for _ in range(2)]
    await asyncio.sleep(0)

    await layer.send(channel, {"type": "a"})
    await layer.send(channel, {"type": "b"})

    assert sorted([message["type"] for message in await asyncio.gather(*receiving)]) == ["a", "b"]


async def test_cancelled_receive_ends_the_channel(make: Make, redis_url: str) -> None:
    """After its receiver was cancelled a channel is unsubscribed and cannot be added to a group."""
    layer = make()
    channel = await open_channel(layer, redis_url)
    receiving = asyncio.ensure_future(layer.receive(channel))
    await asyncio.sleep(0)

    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving

    await until_subscribed(redis_url, channel, 0)
    with pytest.raises(RuntimeError, match="group_add"):
        await layer.group_add("group", channel)


async def test_receive_after_a_timeout(make: Make, redis_url: str) -> None:
    """A channel that timed out and is received on again is in its groups as before."""
    layer = make()
    channel = await open_channel(layer, redis_url, "group")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive(channel), 0.05)
    await until_subscribed(redis_url, channel, 0)

    receiving = asyncio.ensure_future(receive(layer, channel))
    await until_subscribed(redis_url, channel)
    await layer.group_send("group", {"type": "hello"})

    assert await receiving == {"type": "hello"}


async def test_flush(make: Make, redis_url: str) -> None:
    """Flushed, the layer has no channels, groups or connections, and works like new."""
    layer = make()
    channel = await open_channel(layer, redis_url, "group")

    await layer.flush()
    await until_subscribed(redis_url, channel, 0)
    await until_subscribed(redis_url, "asgi__group__group", 0)
    with pytest.raises(RuntimeError, match="group_add"):
        await layer.group_add("group", channel)
    again = await open_channel(layer, redis_url, "group")
    await layer.group_send("group", {"type": "hello"})

    assert await receive(layer, again) == {"type": "hello"}


async def test_extensions(make: Make) -> None:
    """Both extensions of the channel layer specification are there."""
    assert sorted(make().extensions) == ["flush", "groups"]


async def test_unknown_serializer(make: Make) -> None:
    """A serializer must be registered with channels-redis."""
    with pytest.raises(SerializerDoesNotExist):
        make(serializer_format="pickle")


async def test_hosts_must_be_a_list(kind: type[Any]) -> None:
    """A string in place of a list of hosts is told to the developer."""
    with pytest.raises(ValueError, match="list of Redis hosts"):
        await kind(hosts="redis://127.0.0.1:1").send("a", {"type": "x"})


async def test_keys_must_be_a_list(make: Make) -> None:
    """A string in place of a list of keys would be a list of one-letter keys."""
    with pytest.raises(ValueError, match="list of possible keys"):
        make(symmetric_encryption_keys="secret")


async def test_options_of_other_layers(make: Make, redis_url: str) -> None:
    """Options that only channels_redis.core knows do no harm."""
    layer = make(expiry=60, channel_capacity={"*": 5}, group_expiry=86400)

    await assert_empty(layer, await open_channel(layer, redis_url))


async def test_message_that_cannot_be_serialized(make: Make) -> None:
    """The sender is told."""
    with pytest.raises(TypeError):
        await make().send("a", {"type": object()})


async def test_redis_is_down(make: Make) -> None:
    """Without Redis every call that needs it raises redis-py's ConnectionError."""
    layer = make(hosts=["redis://127.0.0.1:1"])

    with pytest.raises(RedisConnectionError):
        await layer.send("a", {"type": "x"})
    with pytest.raises(RedisConnectionError):
        await layer.group_send("a", {"type": "x"})
    with pytest.raises(RedisConnectionError):
        await layer.new_channel()


async def test_serialize(make: Make) -> None:
    """What serialize made, deserialize reads."""
    layer = make()

    data = layer.serialize({"type": "x", "binary": b"\xff"})

    assert data == b"\x82\xa4type\xa1x\xa6binary\xc4\x01\xff"
    assert layer.deserialize(data) == {"type": "x", "binary": b"\xff"}
