"""What a person sees: two pages in real Chromium, a button on one, a number on the other."""

from __future__ import annotations

import pytest

from rig.browser import open_browser, shown_value, wait_for_value
from rig.stack import Stack


async def test_pressing_on_one_page_changes_the_other(stack: Stack) -> None:
    """The number changes with no reload, and the browser has nothing to complain about."""
    complaints: list[str] = []
    async with open_browser() as browser:
        counter, increment = await browser.new_page(), await browser.new_page()
        counter.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        counter.on("pageerror", lambda error: complaints.append(str(error)))
        await counter.goto(f"{stack.url}/counter/")
        before = await shown_value(counter)
        await counter.evaluate("window.isSamePage = true")
        await increment.goto(f"{stack.url}/increment/")
        await increment.get_by_role("button", name="Add one").click()
        await wait_for_value(counter, before + 1)
        await wait_for_value(increment, before + 1)
        is_same_page = await counter.evaluate("window.isSamePage")

    assert is_same_page is True
    assert complaints == []


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll", "poll"])
async def test_every_transport_of_the_page_is_live(stack: Stack, transport: str) -> None:
    """The page's links to other transports lead to pages that change, too."""
    async with open_browser() as browser:
        counter, increment = await browser.new_page(), await browser.new_page()
        await counter.goto(f"{stack.url}/counter/?transport={transport}")
        before = await shown_value(counter)
        await increment.goto(f"{stack.url}/increment/")
        await increment.get_by_role("button", name="Add ten").click()
        await wait_for_value(counter, before + 10)


async def test_page_without_javascript_has_number_and_button(stack: Stack) -> None:
    """The pages are plain HTML first."""
    async with open_browser() as browser:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{stack.url}/increment/")
        before = int(await page.locator("#value").inner_text())
        await page.get_by_role("button", name="Add one").click()
        await wait_for_value(page, before + 1)
