"""The official JavaScript SDK, unchanged, through the edge."""

from __future__ import annotations

import httpx

from rig.cable import Cable
from rig.sdk_client import js_client
from rig.stack import COUNTER, Stack, press


async def test_connects_subscribes_and_receives(stack: Stack, http: httpx.AsyncClient) -> None:
    """The plain case: what is pressed arrives."""
    async with js_client("websocket", stack.ws_url) as client:
        await client.do("connect")
        connected = await client.event("connected")
        await client.do("subscribe", channel=COUNTER)
        subscribed = await client.event("subscribed")
        values = await press(http, 3)
        publications = await client.publications(3)

    assert connected["transport"] == "websocket"
    assert (subscribed["recoverable"], subscribed["positioned"]) == (True, True)
    assert [publication["data"]["value"] for publication in publications] == values
    first = subscribed["streamPosition"]["offset"] + 1
    assert [publication["offset"] for publication in publications] == [first, first + 1, first + 2]


async def test_recovers_what_it_missed_during_a_cut(stack: Stack, http: httpx.AsyncClient) -> None:
    """The connection breaks, 20 changes happen, the SDK comes back by itself and delivers those 20."""
    async with Cable(stack.edge.port) as cable, js_client("websocket", f"ws://127.0.0.1:{cable.port}/ws/") as client:
        await client.do("connect")
        await client.do("subscribe", channel=COUNTER)
        await client.event("subscribed")
        cable.cut()
        await client.event("connecting")
        values = await press(http, 20)
        cable.mend()
        again = await client.event("subscribed")
        publications = await client.publications(20)

    assert (again["wasRecovering"], again["recovered"]) == (True, True)
    assert [publication["data"]["value"] for publication in publications] == values


async def test_refused_channel_is_told(stack: Stack) -> None:
    """An unknown namespace ends the subscription with the protocol's code."""
    async with js_client("websocket", stack.ws_url) as client:
        await client.do("connect")
        await client.do("subscribe", channel="nowhere:x")
        unsubscribed = await client.event("unsubscribed")

    assert unsubscribed["code"] == 102
