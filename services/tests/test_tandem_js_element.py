"""What ``{% tandem %}`` and ``<tandem-status>`` are in a page, under the strictest policy that a site may have."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import ConsoleMessage, Page, expect

from rig.browser import open_browser
from rig.gate import Gate
from rig.stack import COUNTER, Stack, press
from rig.tandem_page import SCRIPT, WORKER

POLICIES = {
    "own scripts": "default-src 'self'; base-uri 'none'; object-src 'none'",
    "nonce alone": "default-src 'none'; script-src 'nonce-n' 'strict-dynamic'; connect-src 'self'",
}
PAGE = """<!doctype html><title>Strict</title>
<script id="tandem-config" type="application/json">%s</script>
<script type="module" src="%s" nonce="n"></script>
<tandem-status live="Aktuell" offline="Getrennt seit {time}">Nicht aktuell</tandem-status>
"""

LISTEN = """(channel) => {
  window.heard = [];
  tandem.subscribe(channel, { onPublication: (data) => heard.push(data.value) });
}"""


@contextlib.asynccontextmanager
async def strict_site(stack: Stack, policy: str) -> AsyncIterator[str]:
    """Put a page with that policy before the edge; its address."""
    html = PAGE % (json.dumps({"login": "", "worker": WORKER}), SCRIPT)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: {policy}\r\nConnection: close\r\n"
    async with Gate(stack.edge.port) as gate:
        gate.pages["/strict/"] = f"{head}Content-Length: {len(html)}\r\n\r\n{html}".encode()
        yield f"{gate.url}/strict/"


def listen_for_complaints(page: Page) -> list[str]:
    """What the browser complains about on *page* from now on, but that it has no icon."""
    complaints: list[str] = []

    def take(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            complaints.append(message.text)

    page.on("console", take)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_strict_policy(stack: Stack, http: httpx.AsyncClient, policy: str) -> None:
    """The page is live through the worker that its tabs share, and the browser has nothing to complain about."""
    async with strict_site(stack, POLICIES[policy]) as url, open_browser() as browser:
        context = await browser.new_context()
        pages = [await context.new_page() for _ in range(2)]
        complaints = [listen_for_complaints(page) for page in pages]
        for page in pages:
            await page.goto(url)
            await page.evaluate(LISTEN, COUNTER)
            await expect(page.locator("tandem-status")).to_have_attribute("state", "live", timeout=10_000)
        [value] = await press(http)
        async with asyncio.timeout(5):
            for page in pages:
                while await page.evaluate("heard") != [value]:
                    await asyncio.sleep(0.02)
        session = await context.new_cdp_session(pages[0])
        targets = (await session.send("Target.getTargets"))["targetInfos"]

        assert complaints == [[], []]
        assert [target["type"] for target in targets].count("shared_worker") == 1


async def test_the_light(stack: Stack) -> None:
    """Its state, its words and the time since when; without the script, what stands in it."""
    async with strict_site(stack, POLICIES["own scripts"]) as url, open_browser() as browser:
        page = await browser.new_page()
        await page.goto(url)
        light = page.locator("tandem-status")
        text = light.locator("[part=text]")
        await expect(light).to_have_attribute("state", "live")
        await expect(light).to_have_attribute("role", "status")
        await expect(text).to_have_text("Aktuell")
        await page.context.set_offline(True)
        await expect(light).to_have_attribute("state", "offline")
        told = await page.evaluate("tandem.connect().since.toLocaleTimeString()")
        await expect(text).to_have_text(f"Getrennt seit {told}")
        await page.context.set_offline(False)
        await expect(text).to_have_text("Aktuell")
        await page.evaluate("document.querySelector('tandem-status').remove(); tandem.connect().close()")

        assert await page.evaluate("tandem.connect() === tandem.connect()")
        assert await page.evaluate("[tandem.connect().state, tandem.connect().reason]") == ["offline", "closed"]


async def test_a_page_without_scripts(stack: Stack) -> None:
    """The element shows what its author put into it."""
    async with strict_site(stack, POLICIES["own scripts"]) as url, open_browser() as browser:
        page = await (await browser.new_context(java_script_enabled=False)).new_page()
        await page.goto(url)

        await expect(page.locator("tandem-status")).to_have_text("Nicht aktuell")
