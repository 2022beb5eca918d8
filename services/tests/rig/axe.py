"""What axe-core has to say of a page."""

from __future__ import annotations

from playwright.async_api import Page

from rig.servers import npm_file


async def violations(page: Page) -> list[str]:
    """What axe-core finds on the page; its script is not the page's and needs no leave of its policy."""
    axe = npm_file("axe-core/axe.min.js")
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(axe.read_text())
    found = await page.evaluate("axe.run()")
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]
