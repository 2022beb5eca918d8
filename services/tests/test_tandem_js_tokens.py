"""Tokens in the browser: brought by one tab for all, used while they are good, renewed in time, or refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.async_api import BrowserContext
from prometheus_client.parser import text_string_to_metric_families

from rig.browser import open_browser
from rig.cable import Cable
from rig.servers import wait_until
from rig.stack import COUNTER, Stack, press
from rig.tandem_page import EMPTY, SCRIPT, WORKER, TandemPage
from tandem.tokens import connection_token, subscription_token

KEY = "key-of-the-tests-0123456789abcdefghij"
PRIVATE = "private:17"
PERSONAL = "notifications:#17"
NAMESPACES = '{"private": {"history_size": 100, "history_ttl": 60, "recovery": true}}'


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A pair with a namespace to which only a subscription token admits."""
    with Stack(tmp_path_factory.mktemp("tokens"), environ={"TANDEM_NAMESPACES": NAMESPACES}) as running:
        yield running


@dataclass
class Mint:
    """What a page's own token functions return, and how often each was asked; None: they fail."""

    user: str = "17"
    seconds: int | None = 600
    subscription_seconds: int | None = 600
    asked: list[str] = field(default_factory=list)

    def token(self) -> str:
        """A connection token."""
        self.asked.append("token")
        if self.seconds is None:
            raise ValueError("no token today")
        return connection_token(KEY, self.user, ttl=self.seconds)

    def subscription(self, channel: str) -> str:
        """A subscription token."""
        self.asked.append(channel)
        if self.subscription_seconds is None:
            raise ValueError("no token today")
        return subscription_token(KEY, self.user, channel, ttl=self.subscription_seconds)


LISTEN = """
async ({ script, worker, channel, since }) => {
  const { connect, subscribe } = await import(script);
  window.noted = { seen: [], offsets: [], reloads: [], states: [] };
  document.addEventListener("tandem:state", ({ detail }) => noted.states.push([detail.state, detail.reason]));
  window.connection = connect({
    login: "17",
    worker,
    token: () => window.mintToken(),
    subscription: (channel) => window.mintSubscription(channel),
  });
  window.subscription = subscribe(channel, {
    since,
    onPublication(data, { offset }) { noted.seen.push(data); noted.offsets.push(offset); },
    onReload: (position) => void noted.reloads.push(position),
  });
}
"""


async def open_page(context: BrowserContext, url: str, channel: str) -> TandemPage:
    """Open a tab whose tokens come from functions of its own."""
    page = TandemPage(await context.new_page())
    await page.page.goto(f"{url}/{EMPTY}")
    await page.page.evaluate(LISTEN, {"script": SCRIPT, "worker": WORKER, "channel": channel, "since": ":0"})
    return page


@contextlib.asynccontextmanager
async def minting(mint: Mint) -> AsyncIterator[BrowserContext]:
    """Start a browser whose pages get their tokens from *mint*."""
    async with open_browser() as browser:
        context = await browser.new_context()
        await context.expose_function("mintToken", mint.token)
        await context.expose_function("mintSubscription", mint.subscription)
        yield context


async def publish(http: httpx.AsyncClient, channel: str, *numbers: int) -> None:
    """Publish numbers through the server API."""
    for number in numbers:
        await ask(http, "publish", channel=channel, data=number)


async def ask(http: httpx.AsyncClient, method: str, **body: object) -> None:
    """Ask the server API."""
    answer = await http.post(f"/server/{method}", json=body, headers={"X-API-Key": "server-api-key"})
    assert "error" not in answer.raise_for_status().json()


def told(stack: Stack, name: str, **labels: str) -> float:
    """What the realtime process tells Prometheus now, over all samples with these labels."""
    text = httpx.get(f"http://127.0.0.1:{stack.private_port}/metrics").text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return sum(
        sample.value for sample in samples if sample.name == name and labels.items() <= dict(sample.labels).items()
    )


async def test_one_tab_brings_the_token_for_all(stack: Stack, http: httpx.AsyncClient) -> None:
    """Three tabs, one connection token, one for the private channel, which the first answer of the server asked for."""
    mint = Mint()
    async with minting(mint) as context:
        pages = [await open_page(context, stack.url, PRIVATE) for _ in range(3)]
        for page in pages:
            await page.until("live")
        await publish(http, PRIVATE, 1)
        for page in pages:
            await page.until_true("noted.seen.at(-1) === 1")

        assert mint.asked == ["token", PRIVATE]


async def test_a_token_is_used_again_while_it_is_good(stack: Stack, http: httpx.AsyncClient) -> None:
    """Cuts ask for no other token: who comes back in a storm costs the api nothing."""
    mint = Mint()
    async with Cable(stack.edge.port) as cable, minting(mint) as context:
        page = await open_page(context, f"http://127.0.0.1:{cable.port}", PRIVATE)
        for number in range(4):
            await page.until("live")
            cable.cut()
            await page.until_not("live")
            cable.mend()
            await publish(http, PRIVATE, number)
        await page.until_true("noted.seen.at(-1) === 3")

        assert mint.asked == ["token", PRIVATE]


async def test_tokens_are_renewed_before_they_end(stack: Stack, http: httpx.AsyncClient) -> None:
    """Both kinds, again and again, on the same connection, without a moment that is not live."""
    mint = Mint(seconds=6, subscription_seconds=6)
    async with minting(mint) as context:
        page = await open_page(context, stack.url, PRIVATE)
        await page.until("live")
        opened = told(stack, "tandem_connections_opened_total", endpoint="/ws/")
        states = len(await page.noted("states"))
        await asyncio.sleep(12)
        await publish(http, PRIVATE, 1)
        await page.until_true("noted.seen.at(-1) === 1")

        assert len(await page.noted("states")) == states
        assert mint.asked.count("token") >= 3
        assert mint.asked.count(PRIVATE) >= 3
        assert told(stack, "tandem_connections_opened_total", endpoint="/ws/") == opened


async def test_a_token_that_ran_out_is_replaced(stack: Stack, http: httpx.AsyncClient) -> None:
    """The page could not bring another one in time; it does as soon as it can, and hears what it missed."""
    mint = Mint(seconds=1, subscription_seconds=1)
    async with minting(mint) as context:
        page = await open_page(context, stack.url, PRIVATE)
        await page.until("live")
        mint.seconds = mint.subscription_seconds = None
        await asyncio.sleep(1.5)
        come_back = {"code": 3011, "reason": "force reconnect"}  # with which token?
        await ask(http, "disconnect", user="17", disconnect=come_back)
        await page.until_not("live")
        await publish(http, PRIVATE, 7)
        await asyncio.sleep(3)
        state = await page.state()
        mint.seconds = mint.subscription_seconds = 600
        await page.until("live", seconds=30)
        await page.until_true("noted.seen.at(-1) === 7")

        assert state in ("recovering", "offline")
        assert await page.noted("reloads") == []


async def test_a_permission_that_is_refused(stack: Stack, http: httpx.AsyncClient) -> None:
    """A token for somebody else's channel is refused, told, and not tried again."""
    mint = Mint()
    mint.subscription = lambda channel: subscription_token(KEY, "18", channel)  # type: ignore[method-assign]
    async with minting(mint) as context:
        page = await open_page(context, stack.url, PRIVATE)
        await page.until("refused")
        refusals = told(stack, "tandem_commands_total", method="subscribe")
        await asyncio.sleep(2)

        assert await page.page.evaluate("connection.reason") == f"{PRIVATE}: permission denied"
        assert told(stack, "tandem_commands_total", method="subscribe") == refusals


async def test_a_connection_that_is_ended_for_good(stack: Stack, http: httpx.AsyncClient) -> None:
    """3503: the page says that it is refused and does not come back, until the page itself opens it again."""
    async with minting(Mint()) as context:
        page = await open_page(context, stack.url, PRIVATE)
        await page.until("live")
        await ask(http, "disconnect", user="17")
        await page.until("refused")
        await asyncio.sleep(2)
        connections = told(stack, "tandem_connections")
        await page.page.evaluate("connection.open()")
        await page.until("live")

        assert connections == 0
        assert ["refused", "force disconnect"] in await page.noted("states")


async def test_what_the_server_takes_back(stack: Stack, http: httpx.AsyncClient) -> None:
    """An unsubscribe by the server ends that channel for every tab; the others stay."""
    async with minting(Mint()) as context:
        page = await open_page(context, stack.url, COUNTER)
        await page.until("live")
        await page.page.evaluate(f"window.other = connection.subscribe('{PRIVATE}')")
        await page.until("live")
        await ask(http, "unsubscribe", user="17", channel=PRIVATE)
        await page.until("refused")
        values = await press(http, 2)
        await page.until_true(f"noted.seen.at(-1).value === {values[-1]}")

        assert await page.page.evaluate("connection.reason") == f"{PRIVATE}: server unsubscribe"
        assert await page.page.evaluate("subscription.state") == "live"


async def test_a_channel_that_the_connection_brings_along(stack: Stack, http: httpx.AsyncClient) -> None:
    """A user's own channel is subscribed at connect; a tab that comes later, and a cut, lose nothing of it."""
    async with Cable(stack.edge.port) as cable, minting(Mint()) as context:
        await publish(http, PERSONAL, 1)
        first = await open_page(context, f"http://127.0.0.1:{cable.port}", PERSONAL)
        await first.until_seen(1)
        other = await open_page(context, f"http://127.0.0.1:{cable.port}", PERSONAL)
        await other.until_seen(1)
        await asyncio.gather(first.until("live"), other.until("live"))
        cable.cut()
        await publish(http, PERSONAL, 2, 3)
        cable.mend()
        await asyncio.gather(first.until_seen(3), other.until_seen(3))
        await publish(http, PERSONAL, 4)
        seen = await asyncio.gather(first.until_seen(4), other.until_seen(4))

        assert list(seen) == [[1, 2, 3, 4], [1, 2, 3, 4]]
        assert await first.noted("reloads") == await other.noted("reloads") == []


async def test_an_own_token_of_one_subscription(stack: Stack, http: httpx.AsyncClient) -> None:
    """What `subscribe` was given comes before what `connect` was."""
    mint = Mint()
    async with minting(mint) as context:
        page = await open_page(context, stack.url, COUNTER)
        await page.page.evaluate(
            "(token) => void connection.subscribe('private:own', { token: () => token })",
            subscription_token(KEY, "17", "private:own"),
        )
        await page.until("live")
        wait_until(lambda: told(stack, "tandem_connections") == 1, seconds=5, what="one connection")

        assert mint.asked == ["token"]
