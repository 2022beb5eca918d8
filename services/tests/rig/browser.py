"""Real Chromium, from the system, driven by Playwright."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Page, async_playwright, expect

from rig.servers import find_program

SECONDS = 20.0


@contextlib.asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Start a headless browser; its pages end with it."""
    program = find_program("chromium", "chromium-browser", "google-chrome")
    options = ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium refuses root otherwise
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=options)
        try:
            yield browser
        finally:
            await browser.close()


async def shown_value(page: Page) -> int:
    """Wait until the page is live and return the number on it."""
    await expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=SECONDS * 1000)
    return int(await page.locator("#value").inner_text())


async def wait_for_value(page: Page, value: int) -> None:
    """Wait until the page shows *value*."""
    await expect(page.locator("#value")).to_have_text(str(value), timeout=SECONDS * 1000)
