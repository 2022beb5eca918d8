"""tandem.js in real Chromium: a page that subscribes from where it was read is whole, whatever happens to its line."""

from __future__ import annotations

import asyncio
import random

import httpx
import pytest
from django.test import RequestFactory
from playwright.async_api import BrowserContext

from rig.browser import open_browser
from rig.cable import Cable
from rig.stack import COUNTER, Stack, press
from rig.tandem_page import EMPTY, SCRIPT, WITHOUT, TandemPage, position_of_counter
from tandem.tab import HEADER, mark_of

every_way = pytest.mark.parametrize("way", WITHOUT)


def values_of(seen: list[dict[str, int]]) -> list[int]:
    """The counter's values, as a page heard them."""
    return [data["value"] for data in seen]


async def publish(http: httpx.AsyncClient, channel: str, data: object, **more: object) -> None:
    """Publish through the server API."""
    answer = await http.post(
        "/server/publish", json={"channel": channel, "data": data, **more}, headers={"X-API-Key": "server-api-key"}
    )
    assert "error" not in answer.raise_for_status().json()


async def lacking(context: BrowserContext, way: str) -> BrowserContext:
    """Take from a browser what makes it find its holder another way."""
    await context.add_init_script(WITHOUT[way])
    return context


@every_way
async def test_a_change_between_the_query_and_the_subscription_is_heard(
    stack: Stack, http: httpx.AsyncClient, way: str
) -> None:
    """Position first, row second, subscription last: nothing falls between."""
    async with open_browser() as browser:
        context = await lacking(await browser.new_context(), way)
        since = await position_of_counter(http)
        before = await press(http, 3)
        page = await TandemPage.open(context, f"{stack.url}/", COUNTER, since=since)
        await page.until("live")
        after = await press(http, 2)
        seen = await page.until_seen(5)

        assert values_of(seen) == before + after
        assert await page.noted("reloads") == []


@every_way
async def test_cuts_at_random_lose_nothing(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """10 cuts of up to half a second during 50 changes: each heard once and in order, and nobody had to reload."""
    await cut_at_random(stack, http, way, cuts=10, changes=50)


@pytest.mark.slow
@every_way
async def test_a_hundred_cuts_at_random_lose_nothing(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """100 cuts during 500 changes."""
    await cut_at_random(stack, http, way, cuts=100, changes=500)


async def cut_at_random(stack: Stack, http: httpx.AsyncClient, way: str, *, cuts: int, changes: int) -> None:
    """Cut the line of one page while a counter changes, and compare what it noted."""
    dice = random.Random(20_261_125)
    async with Cable(stack.edge.port) as cable, open_browser() as browser:
        context = await lacking(await browser.new_context(), way)
        since = await position_of_counter(http)
        page = await TandemPage.open(context, f"http://127.0.0.1:{cable.port}/", COUNTER, since=since)
        await page.until("live")

        async def cut() -> None:
            for _ in range(cuts):
                cable.cut()
                await asyncio.sleep(dice.uniform(0, 0.5))
                cable.mend()
                await asyncio.sleep(dice.uniform(0, 1))

        cutting = asyncio.create_task(cut())
        values = []
        for _ in range(changes):
            values += await press(http)
            await asyncio.sleep(0.75 * cuts / changes)
        await cutting
        seen = await page.until_seen(changes, seconds=30)
        await page.until("live")

        assert values_of(seen) == values
        assert await page.noted("reloads") == []


async def test_a_position_of_another_stream_asks_for_a_reload(stack: Stack, http: httpx.AsyncClient) -> None:
    """What was missed cannot be told: the page is told that, once, with the position to go on from."""
    async with open_browser() as browser:
        context = await browser.new_context()
        page = await TandemPage.open(context, f"{stack.url}/", COUNTER, since="another:7")
        await page.until("live")
        now = await position_of_counter(http)
        [value] = await press(http)
        seen = await page.until_seen(1)

        assert values_of(seen) == [value]
        assert [f"{each['epoch']}:{each['offset']}" for each in await page.noted("reloads")] == [now]


async def test_no_position_asks_for_a_reload(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page that was rendered while Redis was away has none."""
    async with open_browser() as browser:
        page = await TandemPage.open(await browser.new_context(), f"{stack.url}/", COUNTER)
        await page.until("live")

        assert len(await page.noted("reloads")) == 1


RELOADING = """
async ({ script, channel }) => {
  const { connect, subscribe } = await import(script);
  window.connection = connect({});
  window.noted = { seen: [], tries: 0 };
  subscribe(channel, {
    onPublication: (data) => noted.seen.push(data),
    async onReload() {
      noted.tries += 1;
      if (noted.tries < 3) throw new Error("the api is away");
      const answer = await new Promise((resolve) => (window.answer = resolve));
      noted.seen.push("reloaded");
      return answer;
    },
  });
}
"""


async def test_publications_wait_for_the_reload(stack: Stack, http: httpx.AsyncClient) -> None:
    """It fails twice and is asked again; what it has read is not heard again, what came after it is."""
    channel = "public:reloading"
    async with open_browser() as browser:
        page = TandemPage(await (await browser.new_context()).new_page())
        await page.page.goto(f"{stack.url}/{EMPTY}")
        await publish(http, channel, 1)
        await page.page.evaluate(RELOADING, {"script": SCRIPT, "channel": channel})
        await page.until_true("window.answer")
        for data in (2, 3, 4):
            await publish(http, channel, data)
        await asyncio.sleep(0.3)
        while_reloading = await page.noted("seen"), await page.state()
        await page.page.evaluate("window.answer(':3')")
        await page.until("live")

        assert while_reloading == ([], "recovering")
        assert await page.noted("seen") == ["reloaded", 4]
        assert await page.noted("tries") == 3


@every_way
async def test_what_a_tab_caused_is_for_the_others(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """A request's mark leaves out its tab alone, at once and after a recovery; its position goes on all the same."""
    channel = f"public:others-{way}"
    async with Cable(stack.edge.port) as cable, open_browser() as browser:
        context = await lacking(await browser.new_context(), way)
        mine, other = [
            await TandemPage.open(context, f"http://127.0.0.1:{cable.port}/", channel, since=":0") for _ in range(2)
        ]
        await asyncio.gather(mine.until("live"), other.until("live"))
        headers = await mine.page.evaluate("connection.headers()")
        mark = mark_of(RequestFactory().get("/", headers={HEADER: headers[HEADER]}))
        await publish(http, channel, 1, tags={"tab": mark})
        await publish(http, channel, 2)
        await asyncio.gather(mine.until_seen(1), other.until_seen(2))
        cable.cut()
        await publish(http, channel, 3, tags={"tab": mark})
        await publish(http, channel, 4)
        cable.mend()
        await asyncio.gather(mine.until_seen(2), other.until_seen(4))

        assert await mine.noted("seen") == [2, 4]
        assert await other.noted("seen") == [1, 2, 3, 4]
        assert await mine.page.evaluate("subscription.position.offset") == 4


async def test_a_stream_that_is_born_later(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page that subscribed before the first publication hears it, and resumes after a cut as any other."""
    channel = "public:unborn"
    async with Cable(stack.edge.port) as cable, open_browser() as browser:
        context = await browser.new_context()
        page = await TandemPage.open(context, f"http://127.0.0.1:{cable.port}/", channel, since=":0")
        await page.until("live")
        await publish(http, channel, 1)
        await page.until_seen(1)
        await page.until("live")
        epoch = await page.page.evaluate("subscription.position.epoch")
        cable.cut()
        await publish(http, channel, 2)
        cable.mend()
        seen = await page.until_seen(2)

        assert seen == [1, 2]
        assert epoch
        assert await page.noted("reloads") == []


async def test_integers_beyond_53_bits_are_exact(stack: Stack, http: httpx.AsyncClient) -> None:
    """They come as BigInt, not rounded in silence."""
    channel = "public:large"
    async with open_browser() as browser:
        page = await TandemPage.open(await browser.new_context(), f"{stack.url}/", channel, since=":0")
        await page.until("live")
        await publish(http, channel, {"large": 2**63 - 1, "small": 2**53 - 1, "text": str(2**63 - 1), "float": 0.5})
        await page.until_seen(1)
        told = await page.page.evaluate(
            "Object.values(noted.seen[0]).map((value) => `${typeof value} ${value}`).sort()"
        )

        assert told == sorted([f"bigint {2**63 - 1}", f"number {2**53 - 1}", f"string {2**63 - 1}", "number 0.5"])


async def test_one_refused_channel_is_told(stack: Stack, http: httpx.AsyncClient) -> None:
    """The page does not call itself live; its other channel goes on."""
    async with open_browser() as browser:
        page = await TandemPage.open(
            await browser.new_context(), f"{stack.url}/", COUNTER, since=await position_of_counter(http)
        )
        await page.until("live")
        await page.page.evaluate("window.other = connection.subscribe('nobody:knows')")
        await page.until("refused")
        [value] = await press(http)
        seen = await page.until_seen(1)

        assert values_of(seen) == [value]
        assert await page.page.evaluate("connection.reason") == "nobody:knows: unknown channel"
        await page.page.evaluate("window.other.unsubscribe()")
        assert await page.state() == "live"


async def test_a_handler_that_fails_stops_nothing(stack: Stack, http: httpx.AsyncClient) -> None:
    """What is wrong in the page is reported as the page's error; the next publication is heard."""
    errors: list[str] = []
    async with open_browser() as browser:
        page = await TandemPage.open(
            await browser.new_context(), f"{stack.url}/", COUNTER, since=await position_of_counter(http)
        )
        page.page.on("pageerror", lambda error: errors.append(str(error)))
        await page.page.evaluate("""
            window.heard = [];
            connection.subscribe("public:counter.demo", {
              onPublication(data) { window.heard.push(data.value); throw new Error("of the page"); },
            });
        """)
        await page.until("live")
        values = await press(http, 2)
        await page.until_seen(2)

        assert await page.page.evaluate("heard") == values
        assert len(errors) == 2


async def test_back_and_forward(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page from the back-forward cache is live again, and has heard what was missed while it was away."""
    async with open_browser(back_forward_cache=True) as browser:
        page = TandemPage(await (await browser.new_context()).new_page())
        await page.page.goto(f"{stack.url}/")  # browsers keep no page of what is not there
        await page.listen(COUNTER, since=await position_of_counter(http))
        await page.until("live")
        await page.page.goto(f"{stack.url}/api/docs")
        values = await press(http, 2)
        await page.page.go_back(wait_until="commit")
        seen = await page.until_seen(2)
        await page.until("live")
        states = [state for state, _ in await page.noted("states")]

        assert values_of(seen) == values
        assert await page.noted("reloads") == []
        assert "recovering" in states[states.index("live") :]  # from the moment it left on
