"""What the tests of the channel layer share: waiting for Redis, receiving with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import redis.asyncio

from tandem.layer import ChannelLayer

Make = Callable[..., Any]


async def until(condition: Callable[[], object], *, seconds: float = 5) -> None:
    """Let the loop run until *condition* holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # what changes it knows of no event
            await asyncio.sleep(0.005)


async def subscribers(url: str, name: str) -> int:
    """Count the connections that Redis has subscribed to *name*."""
    async with redis.asyncio.from_url(url) as client:
        return int((await client.pubsub_numsub(name))[0][1])


async def until_subscribed(url: str, name: str, count: int = 1) -> None:
    """Wait until Redis has *count* subscribers to *name*: channels-redis returns before that."""
    async with asyncio.timeout(5):
        while await subscribers(url, name) != count:  # Redis has no event for it
            await asyncio.sleep(0.01)


async def open_channel(layer: Any, url: str, *groups: str) -> str:
    """Return a new channel that is in *groups*, once Redis knows."""
    channel: str = await layer.new_channel()
    await until_subscribed(url, channel)
    for group in groups:
        await layer.group_add(group, channel)
        await until_subscribed(url, f"asgi__group__{group}")
    return channel


async def receive(layer: Any, channel: str) -> Any:
    """Receive one message, or fail after a while."""
    async with asyncio.timeout(5):
        return await layer.receive(channel)


async def assert_empty(layer: Any, channel: str) -> None:
    """Send a marker and see that nothing came before it."""
    await layer.send(channel, {"type": "marker"})
    assert await receive(layer, channel) == {"type": "marker"}


class Listener:
    """Collect what arrives."""

    def __init__(self, layer: ChannelLayer) -> None:
        self.layer = layer
        self.got: list[tuple[str, Any]] = []

    def hear(self, group: str, data: bytes) -> None:
        """Take one message."""
        self.got.append((group, self.layer.deserialize(data)))

    async def numbers(self, group: str, count: int) -> list[int]:
        """Send *count* numbered messages and a marker to *group*; return the numbers that arrived before the marker."""
        for number in range(count):
            await self.layer.group_send(group, {"type": "n", "number": number})
        marked = asyncio.Event()
        mark = lambda group, data: marked.set()  # noqa: E731  # a name for unlisten
        await self.layer.listen(["marker"], mark)
        await self.layer.group_send("marker", {"type": "marker"})
        await asyncio.wait_for(marked.wait(), 5)
        await self.layer.unlisten(["marker"], mark)
        return [message["number"] for heard, message in self.got if heard == group]
