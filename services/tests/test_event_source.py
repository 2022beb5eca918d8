"""A browser's own EventSource, with no SDK: it comes back by itself, and nothing is lost."""

from __future__ import annotations

import asyncio

import httpx
from playwright.async_api import Page

from rig.browser import open_browser
from rig.cable import Cable
from rig.stack import Stack, press

LISTEN = """
() => {
  window.values = [];
  window.other = [];
  const source = new EventSource("/ws/sse/?channel=public:counter.demo&channel=public:counter.other");
  source.onmessage = (event) => window.values.push(JSON.parse(event.data).data?.value ?? event.data);
  for (const name of ["position", "disconnect"]) source.addEventListener(name, () => window.other.push(name));
}
"""


async def wait_for(page: Page, what: str, count: int) -> list[object]:
    """Wait until the page has heard *count* of these, and return them."""
    async with asyncio.timeout(15):
        while len(heard := await page.evaluate(f"window.{what}")) < count:
            await asyncio.sleep(0.05)
    return list(heard)


async def test_event_source_resumes_over_a_cut(stack: Stack, http: httpx.AsyncClient) -> None:
    """Cut before anything was published and again afterwards: every value arrives, once and in order."""
    async with Cable(stack.edge.port) as cable, open_browser() as browser:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{cable.port}/")
        await page.evaluate(LISTEN)
        await wait_for(page, "other", 2)
        cable.cut()
        values = await press(http, 3)
        cable.mend()
        await wait_for(page, "values", 3)
        cable.cut()
        values += await press(http, 3)
        cable.mend()
        seen = await wait_for(page, "values", 6)

    assert seen == values
