"""When WebSocket does not get through, and when nothing does: live all the same, or the page says that it is not."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from rig.browser import open_browser
from rig.gate import Gate, Treatment
from rig.stack import COUNTER, Stack, press
from rig.tandem_page import WITHOUT, TandemPage, position_of_counter

# What the network does to WebSocket and to long responses, which transport remains, and how soon the page is live.
NETWORKS: dict[str, tuple[Treatment, Treatment, str, float]] = {
    "open": ("through", "through", "GET /ws/ ", 3),
    "websocket refused": ("refused", "through", "POST /ws/http_stream ", 5),
    "websocket swallowed": ("swallowed", "through", "POST /ws/http_stream ", 5),
    "both refused": ("refused", "refused", "GET /ws/poll/?", 5),
    "long responses held back": ("refused", "held back", "GET /ws/poll/?", 5),
}
networks = pytest.mark.parametrize("network", NETWORKS)
# What lasts a quarter of a minute is tried over the first and the last, and over each of them by make soak.
extremes = pytest.mark.parametrize(
    "network",
    [
        pytest.param(name, marks=[] if name in ("open", "long responses held back") else pytest.mark.slow)
        for name in NETWORKS
    ],
)
every_way = pytest.mark.parametrize("way", WITHOUT)


@contextlib.asynccontextmanager
async def behind(
    stack: Stack, http: httpx.AsyncClient, network: str, way: str = "worker"
) -> AsyncIterator[tuple[Gate, TandemPage, list[int]]]:
    """Open a page behind such a network; two changes were committed after it was read."""
    async with Gate(stack.edge.port) as gate, open_browser() as browser:
        gate.websocket, gate.stream, _, _ = NETWORKS[network]
        context = await browser.new_context()
        await context.add_init_script(WITHOUT[way])
        since = await position_of_counter(http)
        values = await press(http, 2)
        yield gate, await TandemPage.open(context, f"{gate.url}/", COUNTER, since=since), values


async def assert_whole(page: TandemPage, values: list[int]) -> None:
    """The page has heard *values*, once and in order, and did not have to reload."""
    await page.until_seen(len(values))

    assert [data["value"] for data in await page.noted("seen")] == values
    assert await page.noted("reloads") == []


@every_way
@networks
async def test_live_over_what_gets_through(stack: Stack, http: httpx.AsyncClient, network: str, way: str) -> None:
    """Within 5 s where WebSocket is blocked, whether it is refused or swallowed."""
    async with behind(stack, http, network, way) as (gate, page, values):
        seconds = await page.until("live")
        values += await press(http, 3)
        await assert_whole(page, values)
        _, _, request, limit = NETWORKS[network]
        print(f"{network}, {way}: live after {seconds:.2f} s")

        assert seconds < limit
        assert any(line.startswith(request) for line in gate.requests)


@networks
async def test_a_cut_of_any_transport(stack: Stack, http: httpx.AsyncClient, network: str) -> None:
    """The page says at once that it is not live, comes back and has lost nothing."""
    async with behind(stack, http, network) as (gate, page, values):
        await page.until("live")
        await asyncio.sleep(0.3)  # a long poll may be between two requests
        gate.cut()
        await page.until_not("live", seconds=2)
        values += await press(http, 3)
        await page.until("live", seconds=15)
        await assert_whole(page, values)


@extremes
async def test_a_network_that_vanishes(stack: Stack, http: httpx.AsyncClient, network: str) -> None:
    """No packet arrives and nobody says so: the page that is looked at finds out within 10 s."""
    async with behind(stack, http, network) as (gate, page, values):
        await page.until("live")
        gate.swallow()
        seconds = await page.until_not("live", seconds=10)
        first = await page.state()
        values += await press(http, 3)
        await page.until("offline", seconds=30)
        gate.forward()
        gate.cut()
        await page.until("live", seconds=40)
        await assert_whole(page, values)
        print(f"{network}: {first} after {seconds:.2f} s")

        assert first == "stale"


async def test_a_browser_that_goes_offline(stack: Stack, http: httpx.AsyncClient) -> None:
    """What the browser knows is said at once; back online, the page is whole."""
    async with behind(stack, http, "open") as (_, page, values):
        await page.until("live")
        await page.page.context.set_offline(True)
        await page.until("offline", seconds=1)
        values += await press(http, 2)
        await page.page.context.set_offline(False)
        await page.until("live")
        await assert_whole(page, values)


async def test_since_when(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page that is stale says since when: since the last word of the server, not since it noticed."""
    async with behind(stack, http, "open") as (gate, page, _):
        await page.until("live")
        await press(http)
        await page.until_seen(3)
        heard = await page.page.evaluate("Date.now()")
        gate.swallow()
        await page.until("stale", seconds=10)
        since = await page.page.evaluate("connection.since.getTime()")

        assert abs(since - heard) < 1000


async def test_since_when_in_one_state(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page that is offline says since when: since the first reason, not since the last."""
    async with open_browser() as browser:
        async with Gate(stack.edge.port) as gate:
            gate.websocket, gate.stream = "refused", "busy"
            page = await TandemPage.open(await browser.new_context(), f"{gate.url}/", COUNTER, since=":0")
            await page.until("offline")
            since = await page.page.evaluate("connection.since.getTime()")
        await page.until_true("connection.reason !== 'HTTP 503'", seconds=30)

        assert await page.page.evaluate("[connection.state, connection.since.getTime()]") == ["offline", since]


async def test_a_server_that_is_busy_is_left_alone(stack: Stack, http: httpx.AsyncClient) -> None:
    """503 with Retry-After: no other transport is tried, and no attempt comes before that time."""
    async with Gate(stack.edge.port) as gate, open_browser() as browser:
        gate.websocket, gate.stream = "refused", "busy"
        page = await TandemPage.open(await browser.new_context(), f"{gate.url}/", COUNTER, since=":0")
        await page.until("offline")
        assert await page.page.evaluate("connection.reason") == "HTTP 503"
        asked: list[tuple[str, float]] = []
        async with asyncio.timeout(20):
            while len(asked) < 3:
                await asyncio.sleep(0.1)
                came = zip(gate.requests, gate.came, strict=True)
                asked = [(line.split()[1], at) for line, at in came if " /ws" in line]

        assert [path for path, _ in asked[:3]] == ["/ws/", "/ws/http_stream", "/ws/"]
        assert asked[2][1] - asked[1][1] >= 3


async def test_attempts_become_rare(stack: Stack, http: httpx.AsyncClient) -> None:
    """A server that is away for 15 s is asked a few times, not all the time, also by a page that wakes all the time."""
    async with Gate(stack.edge.port) as gate, open_browser() as browser:
        gate.websocket = gate.stream = gate.poll = "refused"
        page = await TandemPage.open(await browser.new_context(), f"{gate.url}/", COUNTER, since=":0")
        await asyncio.sleep(10)
        quiet = sum(" /ws/ " in line for line in gate.requests)
        started = time.monotonic()
        for _ in range(100):
            await page.page.evaluate("dispatchEvent(new Event('online'))")
            await asyncio.sleep(0.03)
        seconds = time.monotonic() - started
        woken = sum(" /ws/ " in line for line in gate.requests) - quiet

        assert 2 <= quiet <= 12
        assert 1 <= woken <= 2 * seconds


@extremes
async def test_redis_is_away(tmp_path: Path, network: str) -> None:
    """10 s after it stopped no page says live; 5 s after it is back every page does, and has every change since."""
    with Stack(tmp_path / "stack", redis_options=("--appendonly", "yes", "--appendfsync", "always")) as stack:
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http:
            async with behind(stack, http, network) as (_, page, values):
                await page.until("live")
                stack.redis.stop()
                seconds = await page.until_not("live", seconds=10)
                first = await page.state()
                values += await press(http, 3)  # they wait in the outbox
                stack.redis.start()
                back = await page.until("live", seconds=5)
                async with asyncio.timeout(5):  # there is no worker here: the next change takes those that wait along
                    while len(await page.noted("seen")) < len(values):
                        values += await press(http)
                        await asyncio.sleep(0.5)
                print(f"{network}: {first} after {seconds:.2f} s, live {back:.2f} s after the return")

                states = [state for state, _ in await page.noted("states")]

                assert first == "stale"
                assert "live" not in states[states.index("stale") : -1]  # before it was
                assert [data["value"] for data in await page.noted("seen")] == values


async def test_a_page_that_comes_while_redis_is_away(tmp_path: Path) -> None:
    """It has no position and is not live; when Redis is back it loads its state and is."""
    with Stack(tmp_path / "stack", redis_options=("--appendonly", "yes", "--appendfsync", "always")) as stack:
        stack.redis.stop()
        async with httpx.AsyncClient(base_url=stack.url, timeout=10) as http, open_browser() as browser:
            page = await TandemPage.open(await browser.new_context(), f"{stack.url}/", COUNTER)
            await asyncio.sleep(3)
            states = await page.noted("states")
            stack.redis.start()
            await page.until("live", seconds=5)
            [value] = await press(http)
            await page.until_true(f"noted.seen.at(-1)?.value === {value}", seconds=5)

            assert "live" not in [state for state, _ in states]
            assert len(await page.noted("reloads")) == 1
