"""The official Python SDK (centrifuge-python), unchanged, through the edge."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
from centrifuge import (
    Client,
    PublicationContext,
    SubscribedContext,
    SubscribingContext,
    SubscriptionEventHandler,
)

from rig.cable import Cable
from rig.stack import COUNTER, Stack, press

SECONDS = 15.0


class Events(SubscriptionEventHandler):  # type: ignore[misc]  # the SDK is not typed
    """Keep what the SDK reports."""

    def __init__(self) -> None:
        self.subscribed: asyncio.Queue[SubscribedContext] = asyncio.Queue()
        self.publications: asyncio.Queue[PublicationContext] = asyncio.Queue()
        self.is_away = asyncio.Event()

    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        self.subscribed.put_nowait(ctx)

    async def on_subscribing(self, ctx: SubscribingContext) -> None:
        if not self.subscribed.empty() or ctx.code:
            self.is_away.set()

    async def on_publication(self, ctx: PublicationContext) -> None:
        self.publications.put_nowait(ctx)

    async def take(self, count: int) -> list[int]:
        """Return the values of the next *count* publications."""
        taken = [await asyncio.wait_for(self.publications.get(), SECONDS) for _ in range(count)]
        return [ctx.pub.data["value"] for ctx in taken]


@contextlib.asynccontextmanager
async def subscribed_client(url: str) -> AsyncIterator[tuple[Events, SubscribedContext]]:
    events = Events()
    client = Client(url, min_reconnect_delay=0.05, max_reconnect_delay=0.5, proxy=None)
    subscription = client.new_subscription(COUNTER, events)
    await client.connect()
    await subscription.subscribe()
    try:
        yield events, await asyncio.wait_for(events.subscribed.get(), SECONDS)
    finally:
        await client.disconnect()


async def test_connects_subscribes_and_receives(stack: Stack, http: httpx.AsyncClient) -> None:
    """The plain case: what is pressed arrives."""
    async with subscribed_client(stack.ws_url) as (events, subscribed):
        values = await press(http, 3)
        received = await events.take(3)

    assert (subscribed.recoverable, subscribed.positioned) == (True, True)
    assert received == values


async def test_recovers_what_it_missed_during_a_cut(stack: Stack, http: httpx.AsyncClient) -> None:
    """The connection breaks, 20 changes happen, the SDK comes back by itself and delivers those 20."""
    async with Cable(stack.edge.port) as cable:
        async with subscribed_client(f"ws://127.0.0.1:{cable.port}/ws/") as (events, _):
            events.is_away.clear()
            cable.cut()
            await asyncio.wait_for(events.is_away.wait(), SECONDS)
            values = await press(http, 20)
            cable.mend()
            again = await asyncio.wait_for(events.subscribed.get(), SECONDS)
            received = await events.take(20)

    assert (again.was_recovering, again.recovered) == (True, True)
    assert received == values
