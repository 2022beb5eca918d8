"""Fixtures of the tests that see live blocks in Chromium: ``pytest_plugins = ["rig.live_fixtures"]``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from rig.browser import open_browser
from rig.live_site import LiveSite, Orders, log_in


@pytest.fixture(scope="module")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A project with live blocks, for one module: it may kill what it starts again."""
    with LiveSite(tmp_path_factory.mktemp("live") / "site") as running:
        yield running


@pytest_asyncio.fixture
async def orders(live_site: LiveSite) -> AsyncIterator[Orders]:
    """Somebody who changes orders."""
    async with Orders(live_site) as running:
        yield running


@pytest_asyncio.fixture
async def context(live_site: LiveSite) -> AsyncIterator[BrowserContext]:
    """A browser of ann's."""
    async with open_browser() as browser:
        context = await browser.new_context()
        await log_in(context, live_site.url)
        yield context
