"""What axe-core has to say of a page."""

from __future__ import annotations

from playwright.async_api import Page

from rig.servers import SERVICES, MissingServer

AXE = SERVICES / "tests/sdk/node_modules/axe-core/axe.min.js"


async def violations(page: Page) -> list[str]:
    """What axe-core finds on the page; its script is not the page's and needs no leave of its policy."""
    if not AXE.exists():
        raise MissingServer("npm packages are missing: make test installs them if there is npm")
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run()")
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]
