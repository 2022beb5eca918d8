"""Tabs of one browser share one connection, and whoever holds it may go at any time."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import BrowserContext
from prometheus_client.parser import text_string_to_metric_families

from rig.browser import open_browser
from rig.cable import Cable
from rig.servers import wait_until
from rig.stack import COUNTER, Stack, press
from rig.tandem_page import WITHOUT, TandemPage, position_of_counter

TABS = 10
shared = pytest.mark.parametrize("way", ["worker", "lock"])


def gauge(stack: Stack, name: str) -> float:
    """What the realtime process tells Prometheus now, over all labels."""
    text = httpx.get(f"http://127.0.0.1:{stack.private_port}/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == name)


def connections(stack: Stack) -> float:
    """How many sockets the realtime process has."""
    return gauge(stack, "tandem_connections")


@contextlib.asynccontextmanager
async def open_tabs(
    stack: Stack, http: httpx.AsyncClient, way: str, count: int, *, url: str = ""
) -> AsyncIterator[tuple[BrowserContext, list[TandemPage]]]:
    """Open tabs of one browser, one after the other, each subscribed from where it was read; all are live."""
    wait_until(lambda: connections(stack) == 0, seconds=10, what="the connections of the test before")
    async with open_browser() as browser:
        context = await browser.new_context()
        await context.add_init_script(WITHOUT[way])
        tabs = []
        for _ in range(count):
            since = await position_of_counter(http)
            tabs.append(await TandemPage.open(context, f"{url or stack.url}/", COUNTER, since=since))
            await tabs[-1].until("live")
        yield context, tabs


async def until_heard(tabs: list[TandemPage], value: int, *, seconds: float) -> None:
    """Wait until every tab has heard *value* and is live."""
    for tab in tabs:
        await tab.until_true(f"noted.seen.at(-1)?.value === {value}", seconds=seconds)
        await tab.until("live")


async def assert_nothing_lost(tabs: list[TandemPage], values: list[int]) -> None:
    """Each tab has heard all of *values*, once and in order, and none had to reload."""
    for tab in tabs:
        assert [data["value"] for data in await tab.noted("seen")][-len(values) :] == values
        offsets = await tab.noted("offsets")
        assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))
        assert await tab.noted("reloads") == []


@shared
async def test_ten_tabs_are_one_connection(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """The gauge says one; every tab hears every change."""
    async with open_tabs(stack, http, way, TABS) as (_, tabs):
        values = await press(http, 5)
        await until_heard(tabs, values[-1], seconds=5)

        assert connections(stack) == 1
        await assert_nothing_lost(tabs, values)


@shared
@pytest.mark.parametrize("end", ["closed", "killed"])
async def test_the_holder_goes(stack: Stack, http: httpx.AsyncClient, way: str, end: str) -> None:
    """Another one holds within 2 s, over and over, while changes come; nothing is lost, and it is one connection."""
    values = []
    async with open_tabs(stack, http, way, 5) as (context, tabs):
        while len(tabs) > 1:
            first = tabs.pop(0)  # who opened the connection, or who has it since
            pressing = asyncio.create_task(press(http, 10))
            if end == "closed":
                await first.page.close()
            else:
                await kill(context, first)
            started = time.monotonic()
            values += await pressing
            await until_heard(tabs, values[-1], seconds=2)
            print(f"{way}, {end}: all heard the last change {time.monotonic() - started:.2f} s later")

            assert connections(stack) == 1
            await assert_nothing_lost(tabs, values)


async def kill(context: BrowserContext, tab: TandemPage) -> None:
    """End the process of a tab, and of the worker that it started."""
    session = await context.new_cdp_session(tab.page)
    with contextlib.suppress(TimeoutError):  # there is nobody left to answer
        await asyncio.wait_for(session.send("Page.crash"), 0.2)


@shared
async def test_a_tab_that_is_behind_gets_what_it_lacks(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """Its page was read earlier than the others'; they hear nothing twice."""
    async with open_tabs(stack, http, way, 2) as (context, tabs):
        early = await position_of_counter(http)
        values = await press(http, 3)
        await until_heard(tabs, values[-1], seconds=5)
        late = await TandemPage.open(context, f"{stack.url}/", COUNTER, since=early)
        await late.until_seen(3)
        values += await press(http, 2)
        await until_heard([*tabs, late], values[-1], seconds=5)

        assert connections(stack) == 1
        await assert_nothing_lost([*tabs, late], values)


@shared
async def test_a_tab_without_a_position_disturbs_nobody(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """It is told to load its state; the others go on where they are."""
    async with open_tabs(stack, http, way, 2) as (context, tabs):
        values = await press(http, 3)
        late = await TandemPage.open(context, f"{stack.url}/", COUNTER)
        await late.until("live")
        values += await press(http, 2)
        await until_heard([*tabs, late], values[-1], seconds=5)

        assert len(await late.noted("reloads")) == 1
        assert len(await late.noted("seen")) == 2
        await assert_nothing_lost(tabs, values)


@shared
async def test_the_last_subscriber_takes_the_subscription_along(
    stack: Stack, http: httpx.AsyncClient, way: str
) -> None:
    """A channel that no tab wants any more is given up; one that a tab still wants is not."""
    idle = gauge(stack, "tandem_subscriptions")  # the service's own
    async with open_tabs(stack, http, way, 2) as (_, [one, other]):
        await one.page.evaluate("subscription.unsubscribe()")
        [value] = await press(http)
        await until_heard([other], value, seconds=5)
        assert gauge(stack, "tandem_subscriptions") == idle + 1
        await other.page.evaluate("subscription.unsubscribe()")
        wait_until(lambda: gauge(stack, "tandem_subscriptions") == idle, seconds=5, what="no subscription")

        assert await one.noted("seen") == []


@shared
async def test_other_logins_have_connections_of_their_own(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """Two tabs of two logins in one browser are two connections."""
    async with open_tabs(stack, http, way, 1) as (context, _):
        other = await TandemPage.open(context, f"{stack.url}/", COUNTER, since=":0", options={"login": "other"})
        await other.until("live")

        assert connections(stack) == 2


async def test_a_worker_that_does_not_load(stack: Stack, http: httpx.AsyncClient) -> None:
    """The tabs share by the lock then."""
    async with open_tabs(stack, http, "worker", 0) as (context, _):
        since = await position_of_counter(http)
        options = {"worker": "/realtime/nothing.js"}
        tabs = [await TandemPage.open(context, f"{stack.url}/", COUNTER, since=since, options=options) for _ in "ab"]
        await asyncio.gather(*(tab.until("live") for tab in tabs))

        assert connections(stack) == 1


async def test_a_browser_with_neither(stack: Stack, http: httpx.AsyncClient) -> None:
    """Each tab has a connection of its own, and is live."""
    async with open_tabs(stack, http, "alone", 3) as (_, tabs):
        values = await press(http, 3)
        await until_heard(tabs, values[-1], seconds=5)

        assert connections(stack) == 3
        await assert_nothing_lost(tabs, values)


async def test_a_holder_that_hangs(stack: Stack, http: httpx.AsyncClient) -> None:
    """The other tab says within 10 s that it is not sure, then has a connection of its own and is whole."""
    async with open_tabs(stack, http, "lock", 2) as (_, [holder, other]):
        hanging = asyncio.create_task(
            holder.page.evaluate("{ const end = Date.now() + 9000; while (Date.now() < end); }")
        )
        await asyncio.sleep(0.1)
        values = await press(http, 3)
        seconds = await other.until_true("noted.states.some(([state]) => state === 'stale')")
        await until_heard([other], values[-1], seconds=5)
        is_free = hanging.done()
        await hanging
        await until_heard([holder, other], values[-1], seconds=10)
        print(f"stale after {seconds:.2f} s")

        assert not is_free
        await assert_nothing_lost([holder, other], values)


@shared
async def test_all_tabs_recover_from_a_cut(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """One resume serves all of them."""
    async with Cable(stack.edge.port) as cable:
        async with open_tabs(stack, http, way, 4, url=f"http://127.0.0.1:{cable.port}") as (_, tabs):
            for _ in range(3):
                cable.cut()
                values = await press(http, 4)
                cable.mend()
                await until_heard(tabs, values[-1], seconds=10)
                await assert_nothing_lost(tabs, values)
