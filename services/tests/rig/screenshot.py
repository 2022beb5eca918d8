"""Pictures of the running demo for the README: ``make screenshot``."""

from __future__ import annotations

import asyncio
import os

from demo.settings import ROOT
from rig.browser import open_browser, shown_value, wait_for_value

PICTURES = ROOT / ".github" / "images"
WIDTH, HEIGHT = 560, 520


async def main() -> None:
    """Open both pages, press, and take a picture of each."""
    url = f"http://localhost:{os.environ.get('DEMO_PORT') or 9000}"
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with open_browser() as browser:
        context = await browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
        counter, increment = await context.new_page(), await context.new_page()
        await counter.goto(f"{url}/counter/")
        before = await shown_value(counter)
        await increment.goto(f"{url}/increment/")
        await shown_value(increment)
        await increment.get_by_role("button", name="Add one").click()
        await wait_for_value(counter, before + 1)
        await asyncio.sleep(1)  # the number's colour fades
        for name, page in (("counter", counter), ("increment", increment)):
            await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
            print(f"{PICTURES / name}.png")


if __name__ == "__main__":
    asyncio.run(main())
