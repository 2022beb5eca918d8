"""
Real Chromium, from the system, driven by Playwright.

Its headless shell where there is one: the same engine without a browser's windows around it, for two thirds of the CPU.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

from playwright.async_api import Browser, Page, async_playwright, expect

from rig.servers import find_program

SECONDS = 20.0


@contextlib.asynccontextmanager
async def open_browser(*, back_forward_cache: bool = False) -> AsyncIterator[Browser]:
    """
    Start a headless browser; its pages end with it.

    Playwright turns the back-forward cache off unless told, and the headless shell has none.
    """
    shell = [] if back_forward_cache else ["chromium-headless-shell"]
    program = find_program(*shell, "chromium", "chromium-browser", "google-chrome")
    options = ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium refuses root otherwise
    async with async_playwright() as playwright:
        kept = ["--disable-back-forward-cache"] if back_forward_cache else []
        browser = await playwright.chromium.launch(executable_path=program, args=options, ignore_default_args=kept)
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
