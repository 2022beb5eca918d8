"""The documentation's page on live blocks, done as it says: from an empty folder to a live list of orders."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from rig.browser import SECONDS, open_browser
from rig.pages import section
from rig.reader import follow, log_in
from rig.servers import SERVICES, Server

PAGE = SERVICES / "tandem" / "docs" / "live.md"
HEADING = "Five minutes: a live list of orders"
MS = SECONDS * 1000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project that the page makes, served by its last command, on a port of the test's."""
    started = time.monotonic()
    text = section(PAGE.read_text(), HEADING)
    with follow(text, tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("wheels")) as server:
        print(f"from the empty folder to the first answer: {time.monotonic() - started:.0f} s")
        yield server


async def test_the_list_is_live_in_the_other_window(site: Server) -> None:
    """What ann orders, ships and drops in one; what she has half typed in the other stays. bob has his own list."""
    url = f"http://127.0.0.1:{site.port}/orders/"
    async with open_browser() as browser:
        ann = await browser.new_context()
        first, second = await ann.new_page(), await ann.new_page()
        await log_in(first, url, "ann")
        await second.goto(url)
        bob = await (await browser.new_context()).new_page()
        await log_in(bob, url, "bob")
        for page in (first, second, bob):
            await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)
        await second.get_by_placeholder("What?").fill("half a sen")
        rows = second.locator("tandem-live tr")

        for what in ("Tea", "Cake"):
            await first.get_by_placeholder("What?").fill(what)
            await first.get_by_role("button", name="Order").click()
        await expect(rows).to_have_text(["Cake new Ship Drop", "Tea new Ship Drop"], timeout=MS)
        await first.get_by_role("row", name="Tea").get_by_role("button", name="Ship").click()
        await expect(rows).to_have_text(["Cake new Ship Drop", "Tea shipped Ship Drop"], timeout=MS)
        await first.get_by_role("row", name="Cake").get_by_role("button", name="Drop").click()
        await expect(rows).to_have_text(["Tea shipped Ship Drop"], timeout=MS)

        assert await second.get_by_placeholder("What?").input_value() == "half a sen"
        assert await bob.locator("tandem-live tr").count() == 0
