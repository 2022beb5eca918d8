"""What a person sees: two pages in real Chromium, a button on one, a number on the other."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from playwright.async_api import expect

from rig.axe import violations
from rig.browser import open_browser, shown_value, wait_for_value
from rig.stack import Stack

AWAY = "The server does not answer. Please try again in a moment."


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


async def test_the_api_is_away_and_somebody_presses(tmp_path: Path) -> None:
    """A sentence on the page, from the edge's 502 as from no answer at all; when it is back, so is the button."""
    complaints: list[str] = []
    with Stack(tmp_path / "stack") as stack:
        async with open_browser() as browser:
            page = await browser.new_page()
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(f"{stack.url}/increment/")
            before = await shown_value(page)
            stack.api.stop()
            other = await browser.new_page()
            await other.goto(f"{stack.url}/counter/")
            await expect(other.get_by_role("heading")).to_have_text("Back in a moment")
            found = await violations(other)
            await page.get_by_role("button", name="Add one").click()
            await expect(page.get_by_role("alert")).to_have_text(AWAY)
            await page.context.set_offline(True)
            await page.get_by_role("button", name="Add ten").click()
            await expect(page.get_by_role("alert")).to_have_text(AWAY)
            await page.context.set_offline(False)
            stack.api.start()
            await page.get_by_role("button", name="Add one").click()
            await wait_for_value(page, before + 1)
            await expect(page.locator("#problem")).to_be_hidden()
            await wait_for_value(other, before + 1)  # it has tried again by itself
            with sqlite3.connect(stack.directory / "tandem.sqlite3") as database:
                database.execute("ALTER TABLE counters_counter RENAME TO gone")
            await other.goto(f"{stack.url}/counter/")
            await expect(other.get_by_role("heading")).to_have_text("Something went wrong")
            found += await violations(other)

    assert complaints == []
    assert found == []


async def test_a_large_number_is_not_rounded(stack: Stack) -> None:
    """64 bits arrive at both pages, by the answer and by the publication."""
    async with open_browser() as browser:
        counter, increment = await browser.new_page(), await browser.new_page()
        await counter.goto(f"{stack.url}/counter/")
        await shown_value(counter)
        await increment.goto(f"{stack.url}/increment/")
        before = await shown_value(increment)
        await increment.get_by_label("Another step").fill("9007199254740993")
        await increment.get_by_role("button", name="Add", exact=True).click()
        await wait_for_value(counter, before + 9007199254740993)
        await wait_for_value(increment, before + 9007199254740993)
        await increment.get_by_label("Another step").fill("-9007199254740993")
        await increment.get_by_role("button", name="Add", exact=True).click()
        await wait_for_value(counter, before)


async def test_pages_without_a_realtime_service(tmp_path: Path) -> None:
    """They ask every few seconds."""
    with Stack(tmp_path / "stack", environ={"TANDEM_REALTIME_ENABLED": "0"}) as stack:
        async with open_browser() as browser:
            counter, increment = await browser.new_page(), await browser.new_page()
            await counter.goto(f"{stack.url}/counter/")
            await increment.goto(f"{stack.url}/increment/")
            before = int(await increment.locator("#value").inner_text())
            await increment.get_by_role("button", name="Add ten").click()
            await wait_for_value(increment, before + 10)
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
