"""The inbox's page of documentation, done as it says: from an empty folder to a bell that rings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from rig.browser import SECONDS, open_browser
from rig.pages import Commands, section, steps
from rig.reader import follow, log_in
from rig.servers import SERVICES, Server

PAGE = SERVICES / "tandem" / "docs" / "inbox.md"
HEADING = "Ten minutes: the buyer hears that his order was shipped"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The project that the page makes, served by its last command, on a port of the test's."""
    text = section(PAGE.read_text(), HEADING)
    with follow(text, tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("wheels"), others=()) as server:
        yield server


async def test_the_buyer_s_bell_rings_and_is_seen_everywhere(site: Server) -> None:
    """Ann ships; Bob's two tabs say 1 and show a toast; he looks in one, and it is seen in both."""
    url = f"http://127.0.0.1:{site.port}/"
    title = "Order 7 is on its way"
    async with open_browser() as browser:
        ann = await (await browser.new_context()).new_page()
        bobs = await browser.new_context()
        first, second = await bobs.new_page(), await bobs.new_page()
        await log_in(ann, url, "ann")
        await log_in(first, url, "bob")
        await second.goto(url)
        for page in (first, second):
            await expect(page.locator("tandem-inbox")).to_have_attribute("state", "live", timeout=SECONDS * 1000)
        await ann.get_by_role("button", name="Ship Bob's order").click()
        for page in (first, second):
            await expect(page.locator("tandem-inbox [part~=badge]")).to_have_text("1", timeout=SECONDS * 1000)
        await first.locator("tandem-inbox [part~=bell]").click()
        await expect(first.locator("tandem-inbox [part~=item]")).to_contain_text(title)
        await expect(second.locator("tandem-inbox [part~=badge]")).to_be_hidden(timeout=SECONDS * 1000)
        mine = await ann.locator("tandem-inbox [part~=badge]").is_visible()

        assert not mine


async def test_written_in_the_admin_it_is_there(site: Server) -> None:
    """To everyone, as the page says."""
    url = f"http://127.0.0.1:{site.port}/"
    async with open_browser() as browser:
        bob = await (await browser.new_context()).new_page()
        await log_in(bob, url, "bob")
        await expect(bob.locator("tandem-inbox")).to_have_attribute("state", "live", timeout=SECONDS * 1000)
        ann = await (await browser.new_context()).new_page()
        await log_in(ann, f"{url}admin/tandem_inbox/message/add/", "ann")
        await ann.get_by_label("To:").select_option("everyone")
        await ann.get_by_label("Kind:").select_option("message")
        await ann.get_by_label("Title:").fill("Closed on Friday")
        await ann.get_by_role("button", name="Save", exact=True).click()
        await bob.locator("tandem-inbox [part~=bell]").click()

        await expect(bob.locator("tandem-inbox [part~=item]").first).to_contain_text("Closed on Friday")


def test_every_file_of_the_page_was_written(site: Server) -> None:
    """The reader of this test finds the same blocks as the reader of the page."""
    written = [step.path for step in steps(section(PAGE.read_text(), HEADING)) if not isinstance(step, Commands)]

    assert len(written) == 5
    assert all((Path(site.cwd) / path).is_file() for path in written)
