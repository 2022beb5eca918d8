"""``{% live %}`` in real Chromium: what was committed is on the page, whatever happens to its line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Page, expect

from rig.browser import open_browser
from rig.live_site import LiveSite, Orders, log_in, open_page

SECONDS = 10_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A project with live blocks."""
    with LiveSite(tmp_path_factory.mktemp("live") / "site") as site:
        yield site


@pytest.fixture
async def orders(site: LiveSite) -> AsyncIterator[Orders]:
    """Somebody who changes orders."""
    async with Orders(site) as orders:
        yield orders


async def is_live(page: Page) -> None:
    """Wait until the page says so."""
    await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=SECONDS)


async def shows(page: Page, number: object) -> None:
    """Wait until the page shows *number*."""
    await expect(page.locator(".number").first).to_have_text(str(number), timeout=SECONDS)


async def test_a_change_is_shown(site: LiveSite, orders: Orders) -> None:
    """In every tab, at once where few look."""
    pk = await orders.create()
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, site.url)
        pages = [await open_page(context, site.url, "order", pk) for _ in range(2)]
        for page in pages:
            await is_live(page)
        await orders.change(pk, number=7)
        for page in pages:
            await shows(page, 7)
