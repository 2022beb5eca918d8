"""The first page of the package's README, done as it says: from an empty folder to a private live page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from rig.browser import SECONDS, open_browser
from rig.pages import Commands, section, steps
from rig.reader import follow, log_in
from rig.servers import SERVICES, Server

README = SERVICES / "tandem" / "README.md"
HEADING = "Five minutes: an order's page, live for its owner alone"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project that the page makes, served by its last command, on a port of the test's."""
    text = section(README.read_text(), HEADING)
    with follow(text, tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("wheels")) as server:
        yield server


async def test_the_page_is_live_and_only_for_its_owner(site: Server) -> None:
    """One window ships, the other shows it; a logout puts the light out; another gets neither page nor channel."""
    url = f"http://127.0.0.1:{site.port}/orders/1/"
    async with open_browser() as browser:
        ann = await browser.new_context()
        first, second = await ann.new_page(), await ann.new_page()
        await log_in(first, url, "ann")
        await second.goto(url)
        for page in (first, second):
            await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=SECONDS * 1000)
        await first.get_by_role("button", name="Ship").click()
        await expect(second.locator("#status")).to_have_text("shipped", timeout=SECONDS * 1000)

        bob = await (await browser.new_context()).new_page()
        await log_in(bob, url, "bob")
        refused = await bob.evaluate(
            """async () => (await fetch("/realtime/subscription/", {
                method: "POST",
                headers: {"X-CSRFToken": document.cookie.match(/csrftoken=([^;]+)/)[1]},
                body: JSON.stringify({channel: "order:1"}),
            })).status"""
        )
        assert await bob.title() != "Order 1"
        assert refused == 403

        await first.goto(f"http://127.0.0.1:{site.port}/admin/")
        await first.get_by_role("button", name="Log out").click()
        await expect(second.locator("tandem-status")).to_have_attribute("state", "refused", timeout=2500)


def test_every_file_of_the_page_was_written(site: Server) -> None:
    """The reader of this test finds the same blocks as the reader of the page."""
    written = [step.path for step in steps(section(README.read_text(), HEADING)) if not isinstance(step, Commands)]

    assert len(written) == 6
    assert all((Path(site.cwd) / path).is_file() for path in written)
