"""Fixtures of the tests that see the bell in Chromium: ``pytest_plugins = ["rig.inbox_fixtures"]``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from rig.browser import open_browser
from rig.inbox_page import InboxPage, Notifier, log_in
from rig.stack import Stack


@pytest.fixture(scope="session")
def notifier(stack: Stack) -> Iterator[Notifier]:
    """Ann and Bob, and who notifies them."""
    with Notifier(stack) as running:
        yield running


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with open_browser() as running:
        yield running


@pytest_asyncio.fixture
async def tab(stack: Stack, notifier: Notifier, browser: Browser) -> InboxPage:
    """A tab of Ann's, with nothing in her inbox."""
    page = await InboxPage.open(await log_in(browser, stack.url, "ann"), stack.url)
    await page.empty()
    return page
