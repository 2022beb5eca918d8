"""The live page in a real Chromium: a socket appears, a tap shows what passes, disconnect ends it with 3503."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import ConsoleMessage, Page, expect

from rig.browser import SECONDS, open_browser
from rig.stack import ADMIN_PASSWORD, COUNTER, Stack, press
from rig.wire import open_wire
from tandem.tokens import connection_token

USER = "<b>17</b>&amp;"  # names come from anybody
CLOSED_BY_FORCE = (3503, "force disconnect")


@pytest.fixture
async def live_page(stack: Stack) -> AsyncIterator[Page]:
    """The page, seen by the superuser; nothing on it may fail or be blocked."""
    complaints: list[str] = []
    async with open_browser() as browser:
        page = await browser.new_page()
        page.set_default_timeout(SECONDS * 1000)
        page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{stack.url}/admin/tandem_monitor/connection/")
        await page.fill("#id_username", "admin")
        await page.fill("#id_password", ADMIN_PASSWORD)
        await page.click("[type=submit]")
        await page.wait_for_url("**/admin/tandem_monitor/connection/")
        yield page
    assert complaints == []


def is_complaint(message: ConsoleMessage) -> bool:
    """Tell whether the browser reports an error; that Django's admin has no icon is none of ours."""
    return message.type == "error" and not message.location["url"].endswith("/favicon.ico")


def token_of(stack: Stack, user: str) -> str:
    """Return what the api would give to *user*."""
    return connection_token(stack.environ["TANDEM_TOKEN_KEYS"], user)


async def test_a_socket_appears_and_goes(stack: Stack, live_page: Page) -> None:
    """Connections, users and channels are counted while the page is open; names are shown as text."""
    async with open_wire(stack.ws_url, token=token_of(stack, USER)) as wire:
        await wire.subscribe(COUNTER)

        await expect(live_page.locator("#users")).to_contain_text(USER)
        await expect(live_page.locator("#channels")).to_contain_text(COUNTER)
        await expect(live_page.locator("#pods")).to_contain_text("websocket 1")
        await expect(live_page.locator("#connections")).to_have_text("1")
        assert await live_page.locator("#users b").count() == 0

    await expect(live_page.locator("#connections")).to_have_text("0")


async def test_a_tap_shows_what_passes(stack: Stack, live_page: Page, http: httpx.AsyncClient) -> None:
    """From the tap on each publication of the channel is shown; stopped, the tap's own connection is gone."""
    async with open_wire(stack.ws_url, token=token_of(stack, USER)) as wire:
        await wire.subscribe(COUNTER)
        await live_page.get_by_role("button", name=f"Tap {COUNTER}").click()
        await expect(live_page.locator("#tap-state")).to_have_text("Tapping 1 channel")
        await expect(live_page.locator("#connections")).to_have_text("2")

        [value] = await press(http)

        await expect(live_page.locator("#publications li").first).to_contain_text(f"{COUNTER} #")
        await expect(live_page.locator("#publications li").first).to_contain_text(f'"value":{value}')
        await live_page.get_by_role("button", name="Stop").click()
        await expect(live_page.locator("#connections")).to_have_text("1")


async def test_a_users_tap_covers_the_users_channels(stack: Stack, live_page: Page, http: httpx.AsyncClient) -> None:
    """Tapping a user follows what the user is subscribed to."""
    async with open_wire(stack.ws_url, token=token_of(stack, USER)) as wire:
        await wire.subscribe(COUNTER)
        await live_page.get_by_role("button", name=f"Tap {USER}", exact=True).click()
        await expect(live_page.locator("#tap-state")).to_contain_text("Tapping")

        [value] = await press(http)

        await expect(live_page.locator("#publications")).to_contain_text(f'"value":{value}')


async def test_disconnect_ends_a_user_with_3503(stack: Stack, live_page: Page) -> None:
    """Only that user, after a question; the code tells the SDKs not to come back."""
    live_page.on("dialog", lambda dialog: dialog.accept())
    async with (
        open_wire(stack.ws_url, token=token_of(stack, USER)) as doomed,
        open_wire(stack.ws_url, token=token_of(stack, "18")) as other,
    ):
        await live_page.get_by_role("button", name=f"Disconnect {USER}", exact=True).click()

        assert await doomed.closed() == CLOSED_BY_FORCE
        await expect(live_page.locator("#users")).not_to_contain_text(USER)
        await expect(live_page.locator("#users")).to_contain_text("18")
        assert "subscribe" in await other.command(subscribe={"channel": COUNTER})


async def test_a_search_narrows_the_lists(stack: Stack, live_page: Page) -> None:
    """Part of a name is enough."""
    async with (
        open_wire(stack.ws_url, token=token_of(stack, "alice")),
        open_wire(stack.ws_url, token=token_of(stack, "bob")),
    ):
        await expect(live_page.locator("#users")).to_contain_text("bob")
        await live_page.fill("#wanted", "ALI")

        await expect(live_page.locator("#users")).not_to_contain_text("bob")
        await expect(live_page.locator("#users")).to_contain_text("alice")
