"""The bell when it cannot know: it says so, and is right again by itself."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from playwright.async_api import TimeoutError as NotInTime
from playwright.async_api import expect

from rig.inbox_page import InboxPage, Notifier, until
from rig.stack import Stack

pytest_plugins = ["rig.inbox_fixtures"]


@pytest.mark.parametrize(
    ("status", "state", "told"),
    [
        (401, "refused", "You are logged out. Load the page again."),
        (403, "refused", "Not available. Load the page again."),
        (404, "refused", "Not available. Load the page again."),
        (500, "stale", "Not up to date since "),
        (502, "stale", "Not up to date since "),
    ],
)
async def test_a_list_that_does_not_come(tab: InboxPage, status: int, state: str, told: str) -> None:
    """The panel says so, and can be told to try again."""
    await tab.page.route("**/inbox/?*", lambda route: route.fulfill(status=status, body="<h1>No</h1>"))
    await tab.page.reload()
    await tab.until_state(state)
    await tab.bell.click()
    told_first = await tab.told.inner_text(), await tab.note.inner_text(), await tab.bell.get_attribute("aria-label")
    await tab.page.unroute("**/inbox/?*")
    # What is only stale it asks for by itself, too: the button may be gone before it is pressed.
    with contextlib.suppress(*([NotInTime] if state == "stale" else [])):
        await tab.element.get_by_role("button", name="Try again").click(timeout=5000)
    await tab.until_state("live")

    assert told_first[0].startswith(told)
    assert told_first[1] == "The notifications could not be loaded."
    assert told_first[2] == f"Notifications, {told_first[0]}"
    await expect(tab.told).to_be_hidden()
    assert await tab.note.inner_text() == "Nothing here"


async def test_a_login_that_is_over(stack: Stack, tab: InboxPage) -> None:
    """Logged out in another tab: the bell says so within seconds, and asks no more."""
    other = await tab.page.context.new_page()
    await other.goto(f"{stack.url}/admin/")
    await other.locator("#logout-form button").click()
    await tab.until_state("refused", 10)
    await tab.bell.click()
    await expect(tab.told).to_have_text("You are logged out. Load the page again.")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    await asyncio.sleep(2)

    assert [url for url in asked if "/inbox/" in url] == []


async def test_offline(tab: InboxPage, notifier: Notifier) -> None:
    """The bell says since when, keeps what it knew, and is right again by itself."""
    notifier.notify("ann", title="Before")
    await until(tab.count, "1")
    await tab.page.context.set_offline(True)
    await tab.until_state("offline")
    await tab.bell.click()
    told = await tab.told.inner_text()
    await tab.row("Before", "Mark as read")
    await expect(tab.problem).to_have_text("That could not be saved.")
    rolled_back = await tab.parts()
    notifier.notify("ann", title="Meanwhile")
    await tab.page.context.set_offline(False)
    await until(tab.titles, ["Meanwhile", "Before"], 30)
    await tab.until_state("live")

    assert told.startswith("Offline since ")
    assert rolled_back == ["item info unread"]
    await expect(tab.told).to_be_hidden()
