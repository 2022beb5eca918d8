"""The transports page in real Chromium: what it shows is what the wire carried."""

from __future__ import annotations

import asyncio
import re

import httpx
from playwright.async_api import Browser, Page, expect

from rig.axe import violations
from rig.browser import SECONDS, open_browser
from rig.cable import Cable
from rig.stack import Stack, press

LANES = ["short", "long", "sse", "websocket", "uni"]
CHANGES = 20
TOLERANCE = 0.05


async def figure(page: Page, lane: str, name: str) -> int:
    """Return a figure of a lane."""
    return int((await page.locator(f"#{lane} [data-figure={name}]").inner_text()).replace(",", ""))


async def until_quiet(cable: Cable, since: int) -> None:
    """Wait until something has passed since *since* and nothing passes any more."""
    passed = since
    while cable.passed == since or cable.passed != passed:
        passed = cable.passed
        await asyncio.sleep(1)


async def measure(
    browser: Browser, target: int, lane: str, ready: asyncio.Barrier, changed: asyncio.Event
) -> tuple[int, int]:
    """Run one lane while somebody else changes the counter; return the bytes shown and those on the wire."""
    async with Cable(target) as cable:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{cable.port}/transports/#{lane}", wait_until="networkidle")
        await page.locator("#rate").fill("0")
        before = cable.passed
        await page.get_by_role("button", name="Start").click()
        await until_quiet(cable, before)
        await ready.wait()
        await changed.wait()
        await expect(page.locator(f"#{lane} [data-figure=updates]")).to_have_text(str(CHANGES), timeout=SECONDS * 1000)
        await asyncio.sleep(0.5)  # the figures are drawn four times a second
        shown, passed = await figure(page, lane, "bytes"), cable.passed - before
        await page.close()
    return shown, passed


async def test_bytes_are_those_of_the_wire(stack: Stack, http: httpx.AsyncClient) -> None:
    """Each lane through a cable of its own, which counts what passes, both ways."""
    ready, changed = asyncio.Barrier(len(LANES) + 1), asyncio.Event()
    async with open_browser() as browser:
        runs = [asyncio.create_task(measure(browser, stack.edge.port, lane, ready, changed)) for lane in LANES]
        await asyncio.wait_for(ready.wait(), 2 * SECONDS)
        await press(http, CHANGES)
        changed.set()
        measured = dict(zip(LANES, await asyncio.gather(*runs), strict=True))
    print({lane: f"{shown} shown, {passed} passed" for lane, (shown, passed) in measured.items()})
    close = {lane: abs(shown - passed) < TOLERANCE * passed for lane, (shown, passed) in measured.items()}

    assert close == dict.fromkeys(LANES, True)


async def test_the_page(stack: Stack) -> None:
    """It runs, its figures move in every lane, it stops, and axe has nothing to say."""
    complaints: list[str] = []
    async with open_browser() as browser:
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        await page.goto(f"{stack.url}/transports/")
        await page.get_by_role("button", name="Start").click()
        for lane in LANES:
            delay = page.locator(f"#{lane} [data-figure=delay]")
            await expect(delay).to_have_text(re.compile(r"\d"), timeout=SECONDS * 1000)
        await page.get_by_role("button", name="Stop").click()
        for lane in LANES:
            await expect(page.locator(f"#{lane} [data-figure=open]")).to_have_text("0")
        found = await violations(page)

    assert (found, complaints) == ([], [])
