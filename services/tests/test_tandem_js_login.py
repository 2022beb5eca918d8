"""Pages of people who are logged in: tokens from the package's views, through everything that a login does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from playwright.async_api import BrowserContext, Page, Route

from rig.browser import open_browser
from rig.gate import Gate
from rig.stack import ADMIN_PASSWORD, Stack
from rig.tandem_page import CONFIGURED, WITHOUT, WORKER, TandemPage

SECONDS = 3  # that a token lives
ADD_USER = """
import django; django.setup()
from django.contrib.auth.models import User
User.objects.create_user("ada", password="of-ada", is_staff=True)
"""
ADMIN, ADA = "notifications:#1", "notifications:#2"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A pair whose tokens are short-lived, with two users."""
    with Stack(tmp_path_factory.mktemp("login"), environ={"TANDEM_TOKEN_SECONDS": str(SECONDS)}) as running:
        environ = {**os.environ, **running.environ, "DJANGO_SETTINGS_MODULE": "api.settings"}
        subprocess.run([sys.executable, "-c", ADD_USER], env=environ, check=True, capture_output=True)
        yield running


@contextlib.asynccontextmanager
async def logged_in(url: str, name: str = "admin", password: str = ADMIN_PASSWORD) -> AsyncIterator[BrowserContext]:
    """Start a browser in which somebody has logged in."""
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(await context.new_page(), url, name, password)
        yield context


async def log_in(page: Page, url: str, name: str, password: str) -> None:
    """Log in at the admin's own page."""
    await page.goto(f"{url}/admin/login/")
    await page.fill("#id_username", name)
    await page.fill("#id_password", password)
    await page.click("[type=submit]")
    await page.wait_for_url("**/admin/")


async def open_page(context: BrowserContext, url: str, channel: str) -> TandemPage:
    """Open a page that has ``{% tandem %}``, and hear a channel there."""
    page = TandemPage(await context.new_page())
    await page.page.goto(f"{url}/counter/")
    await page.listen(channel, since=":0", options=CONFIGURED)
    return page


async def ask(http: httpx.AsyncClient, method: str, **body: object) -> None:
    """Ask the server API."""
    answer = await http.post(f"/server/{method}", json=body, headers={"X-API-Key": "server-api-key"})
    assert "error" not in answer.raise_for_status().json()


async def test_own_channel_of_who_is_logged_in(stack: Stack, http: httpx.AsyncClient) -> None:
    """Heard for longer than a token lives, and nobody else's."""
    async with logged_in(stack.url) as context:
        page = await open_page(context, stack.url, ADMIN)
        await page.until("live")
        states = len(await page.noted("states"))
        await asyncio.sleep(2 * SECONDS)
        await ask(http, "publish", channel=ADMIN, data="for the admin")
        await ask(http, "publish", channel=ADA, data="for ada")
        seen = await page.until_seen(1)
        await page.page.evaluate(f"void connection.subscribe('{ADA}')")
        refused = await page.until("refused")

        assert seen == ["for the admin"]
        assert len(await page.noted("states")) == states + 2  # recovering, refused
        assert await page.page.evaluate("connection.reason") == f"{ADA}: not allowed"
        assert refused < 2


async def test_a_worker_that_starts_late(stack: Stack) -> None:
    """The page asks it several times and begins once: one token, one socket, no wait for a tab that is not there."""
    async with Gate(stack.edge.port) as gate, logged_in(gate.url) as context:
        gate.delays[WORKER] = 0.7
        page = await open_page(context, gate.url, ADMIN)
        await page.until("live", seconds=20)
        began = [line.split()[1].partition("?")[0] for line in gate.requests]

        assert "offline" not in [state for state, _ in await page.noted("states")]
        assert began.count(WORKER) == 1
        assert began.count("/realtime/token/") == 1
        assert began.count("/ws/") == 1


@pytest.mark.parametrize("way", WITHOUT)
async def test_long_polling_gets_a_ticket_for_each_request(stack: Stack, http: httpx.AsyncClient, way: str) -> None:
    """Where nothing else gets through, private channels do, too."""
    async with Gate(stack.edge.port) as gate, logged_in(gate.url) as context:
        gate.websocket = gate.stream = "refused"
        await context.add_init_script(WITHOUT[way])
        await ask(http, "publish", channel=ADMIN, data=1)
        page = await open_page(context, gate.url, ADMIN)
        await page.until("live")
        for number in (2, 3, 4):
            await ask(http, "publish", channel=ADMIN, data=number)
            await page.until_true(f"noted.seen.at(-1) === {number}")

        assert await page.noted("reloads") == []
        assert sum("/realtime/ticket/" in line for line in gate.requests) >= 4


async def test_long_polling_of_somebody_else_s_channel(stack: Stack, http: httpx.AsyncClient) -> None:
    """It is refused, as over any other transport; what the page may hear goes on."""
    async with Gate(stack.edge.port) as gate, logged_in(gate.url) as context:
        gate.websocket = gate.stream = "refused"
        await ask(http, "publish", channel=ADMIN, data=1)
        page = await open_page(context, gate.url, ADMIN)
        await page.until("live")
        await page.page.evaluate(f"window.other = connection.subscribe({ADA!r}, {{ since: ':0' }})")
        await page.until_true("other.state === 'refused'")
        await ask(http, "publish", channel=ADMIN, data=2)
        await page.until_true("noted.seen.at(-1) === 2")

        assert await page.page.evaluate("[other.reason, subscription.state]") == [f"{ADA}: not allowed", "live"]


async def test_logged_out_in_another_tab(stack: Stack, http: httpx.AsyncClient) -> None:
    """The page says so when its token runs out at the latest, and asks no more."""
    async with logged_in(stack.url) as context:
        page = await open_page(context, stack.url, ADMIN)
        await page.until("live")
        await context.clear_cookies(name="sessionid")
        await page.until("refused", seconds=SECONDS + 2)
        requests: list[str] = []
        page.page.on("request", lambda request: requests.append(request.url))
        await asyncio.sleep(2 * SECONDS)

        assert await page.page.evaluate("connection.reason") == "logged out"
        assert requests == []


async def test_a_token_that_the_server_calls_invalid(stack: Stack, http: httpx.AsyncClient) -> None:
    """3500: whoever is still in comes back with another token; whoever is out is told."""
    async with logged_in(stack.url) as context:
        page = await open_page(context, stack.url, ADMIN)
        await page.until("live")
        ended = {"code": 3500, "reason": "invalid token"}
        await ask(http, "disconnect", user="1", disconnect=ended)
        await page.until_not("live")
        await page.until("live")
        await context.clear_cookies(name="sessionid")
        await ask(http, "disconnect", user="1", disconnect=ended)
        await page.until("refused", seconds=2)

        assert await page.page.evaluate("connection.reason") == "logged out"


async def test_somebody_else_logs_in(stack: Stack, http: httpx.AsyncClient) -> None:
    """The page of the former login hears nothing of the next one, and says that it is over."""
    async with logged_in(stack.url) as context:
        page = await open_page(context, stack.url, ADMIN)
        await page.until("live")
        await context.clear_cookies()
        await log_in(await context.new_page(), stack.url, "ada", "of-ada")
        other = await open_page(context, stack.url, ADA)
        await other.until("live")
        await page.until("refused", seconds=SECONDS + 2)
        heard = await page.noted("seen")
        await ask(http, "publish", channel=ADA, data="for ada alone")
        await other.until_true("noted.seen.at(-1) === 'for ada alone'")

        assert await page.noted("seen") == heard


async def test_csrf_token_changes_between_reading_and_sending(stack: Stack) -> None:
    """A login in another tab rotates it: 403, and once more with what the cookie holds now."""
    sent: list[str] = []

    async def rotate(route: Route) -> None:
        sent.append(route.request.headers["x-csrftoken"])
        if len(sent) > 1:
            await route.continue_()
            return
        await page.page.context.add_cookies([{"name": "csrftoken", "value": "x" * 32, "url": stack.url}])
        await route.continue_()

    async with logged_in(stack.url) as context:
        page = TandemPage(await context.new_page())
        await page.page.route("**/realtime/token/**", rotate)
        await page.page.goto(f"{stack.url}/counter/")
        await page.listen(ADMIN, since=":0", options=CONFIGURED)
        await page.until("live", seconds=20)

        assert sent[0] != "x" * 32
        assert sent[1] == "x" * 32


async def test_the_api_is_away_when_a_token_is_wanted(stack: Stack, http: httpx.AsyncClient) -> None:
    """The page says that it has no connection and why; when the api is back, so is the page, with what it missed."""
    async with logged_in(stack.url) as context:
        page = await open_page(context, stack.url, ADMIN)
        await page.until("live")
        await ask(http, "publish", channel=ADMIN, data="missed")
        await page.until_true("noted.seen.at(-1) === 'missed'")
        stack.api.stop()
        try:
            await page.until_not("live", seconds=SECONDS + 15)  # 10 s of grace by the server
            await page.until("offline")
            reason = await page.page.evaluate("connection.reason")
        finally:
            stack.api.start()
        await page.until("live", seconds=25)

        assert reason == "HTTP 502"
