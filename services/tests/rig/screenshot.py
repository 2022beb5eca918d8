"""The README's moving picture, of the running demo's own pages: ``make screenshot``."""

from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, Page, expect

from demo.settings import ROOT
from rig.browser import SECONDS, open_browser

PICTURE = ROOT / ".github" / "images" / "two-windows.webp"
WIDTH, HEIGHT = 620, 1200
GAP = 24
PAGE_COLOR = "#f4f6f5"
# Outside of the desk, so the picture would show a part of them.
_WITHOUT_TOASTS = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("tandem-inbox::part(toasts) { display: none }");
    document.adoptedStyleSheets.push(sheet);
}"""
MS = SECONDS * 1000
STEP_MS, LONG_MS = 900, 2200


class Film:
    """Frames of two windows beside each other."""

    def __init__(self, *windows: Page) -> None:
        self._windows = windows
        self._frames: list[Image.Image] = []
        self._durations: list[int] = []

    async def take(self, duration: int = STEP_MS) -> None:
        """Take both windows as they are, to be shown for *duration* milliseconds."""
        shots = [await window.screenshot(clip=await _desk(window)) for window in self._windows]
        pictures = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in shots]
        size = sum(each.width for each in pictures) + GAP, max(each.height for each in pictures)
        frame = Image.new("RGB", size, PAGE_COLOR)
        left = 0
        for each in pictures:
            frame.paste(each, (left, 0))
            left += each.width + GAP
        self._frames.append(frame)
        self._durations.append(duration)

    def save(self, path: Path) -> None:
        """Write an animation that begins again."""
        size = max(each.width for each in self._frames), max(each.height for each in self._frames)
        frames = [Image.new("RGB", size, PAGE_COLOR) for _ in self._frames]
        for frame, taken in zip(frames, self._frames, strict=True):
            frame.paste(taken, (0, 0))
        first, *others = frames
        first.save(path, save_all=True, append_images=others, duration=self._durations, loop=0, quality=78, method=6)


async def _desk(page: Page) -> dict[str, float]:
    box = await page.locator("#desk").bounding_box()
    assert box is not None
    return {"x": box["x"] - 6, "y": box["y"] - 6, "width": box["width"] + 12, "height": box["height"] + 22}


async def open_window(browser: Browser, url: str, name: str) -> Page:
    """Open the front page in a browser of its own, as *name*."""
    context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, reduced_motion="reduce")
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=MS)
    await page.locator("#desk").scroll_into_view_if_needed()
    await page.evaluate(_WITHOUT_TOASTS)
    return page


async def play(film: Film, ada: Page, grace: Page) -> None:
    """Press, order, ship, hear of it; cut the line, and be whole again."""
    await expect(grace.locator(".here li")).to_have_count(2, timeout=MS)
    await film.take(LONG_MS)
    before = int(await grace.locator("#value").inner_text())
    for step in range(1, 4):
        await ada.get_by_role("button", name="Add one").click()
        await expect(grace.locator("#value")).to_have_text(str(before + step), timeout=MS)
        await film.take()
    await ada.get_by_label("What to order").fill("A bicycle for two")
    await film.take()
    await ada.get_by_role("button", name="Order", exact=True).click()
    ordered = grace.locator(".orders li").first
    await expect(ordered).to_contain_text("A bicycle for two", timeout=MS)
    await film.take(LONG_MS)
    await ordered.get_by_role("button").click()
    await expect(ada.locator("tandem-inbox [part=badge]")).not_to_be_empty(timeout=MS)
    await expect(ada.locator(".orders li").first).to_contain_text("Shipped", timeout=MS)
    await film.take(LONG_MS)
    await grace.get_by_role("button", name="Cut the line").click()
    told = grace.locator("#told")
    await expect(told).to_contain_text("is cut", timeout=MS)
    await film.take(STEP_MS)
    await expect(told).to_contain_text("have happened", timeout=MS)
    await film.take(LONG_MS)
    await expect(told).to_contain_text("All 10 are here", timeout=MS)
    await film.take(2 * LONG_MS)


async def main() -> None:
    """Play the story in two windows and keep it."""
    url = f"http://localhost:{os.environ.get('DEMO_PORT') or 9000}"
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    async with open_browser() as browser:
        ada, grace = await open_window(browser, url, "Ada"), await open_window(browser, url, "Grace")
        film = Film(ada, grace)
        await play(film, ada, grace)
    film.save(PICTURE)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} KB")


if __name__ == "__main__":
    asyncio.run(main())
