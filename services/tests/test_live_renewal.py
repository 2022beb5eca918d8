"""Live blocks where nothing changes: they renew what they were signed, and their right is asked each time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from rig.live_site import LiveSite, Orders, open_page

pytest_plugins = ["rig.live_fixtures"]

MS = 20_000
LIFE_SECONDS = 4
NOTE = """() => {
  window.told = [];
  document.addEventListener("tandem:live", ({ detail }) => told.push([detail.state, detail.reason]));
}"""


@pytest.fixture(scope="module")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A project whose references live for seconds, not for a day."""
    folder = tmp_path_factory.mktemp("renewal") / "site"
    with LiveSite(folder, RENEWAL_SECONDS="1", LIFE_SECONDS=str(LIFE_SECONDS)) as running:
        yield running


async def opened(context: BrowserContext, live_site: LiveSite, pk: int) -> Page:
    """A tab that is live and notes what its block tells."""
    page = await open_page(context, live_site.url, "order", pk)
    await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)
    await page.evaluate(NOTE)
    return page


async def test_a_quiet_page_outlives_its_reference(
    live_site: LiveSite, orders: Orders, context: BrowserContext
) -> None:
    """It has another one by then, got without its content, and is as live as before."""
    pk = await orders.create()
    page = await opened(context, live_site, pk)
    first = await page.locator("tandem-live").get_attribute("reference")
    answers: list[int] = []
    page.on("response", lambda response: answers.append(response.status) if "fragment" in response.url else None)
    loaded = time.monotonic()
    while time.monotonic() < loaded + 2 * LIFE_SECONDS:
        await asyncio.sleep(0.2)
    quiet = list(answers)
    await orders.change(pk, number=5)
    await expect(page.locator(".number")).to_have_text("5", timeout=MS)

    assert set(quiet) == {304}
    assert len(quiet) >= 4
    assert await page.locator("tandem-live").get_attribute("reference") != first
    assert await page.evaluate("told") == []


async def test_a_page_that_could_not_renew(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """Asleep, or cut off, for longer than its reference lives: it says so, and shows what it had."""
    pk = await orders.create(number=3)
    page = await opened(context, live_site, pk)

    async def nobody(route: Route) -> None:
        await route.abort()

    await page.route("**/fragment/", nobody)
    await expect(page.locator("tandem-status")).to_have_attribute("state", "stale", timeout=MS)
    await asyncio.sleep(LIFE_SECONDS + 1)
    await page.unroute("**/fragment/")
    await expect(page.locator("tandem-live")).to_have_attribute("state", "refused", timeout=MS)
    await expect(page.locator("tandem-status")).to_have_attribute("state", "refused", timeout=MS)

    assert (await page.evaluate("told"))[-1] == ["refused", "expired"]
    assert await page.locator(".number").inner_text() == "3"


async def test_a_right_that_ends_without_a_word(live_site: LiveSite, orders: Orders, context: BrowserContext) -> None:
    """Nobody told the channel that the order is another's now: the next renewal asks for the right."""
    pk = await orders.create(number=3)
    page = await opened(context, live_site, pk)
    code = f"from mysite.models import Order; Order.objects.filter(pk={pk}).update(owner_id=2)"
    done = await asyncio.to_thread(live_site.project.manage, "shell", "-c", code)
    await expect(page.locator("tandem-live")).to_have_attribute("state", "refused", timeout=MS)

    assert done.returncode == 0, done.stderr
    assert await page.locator("tandem-live").inner_text() == ""
