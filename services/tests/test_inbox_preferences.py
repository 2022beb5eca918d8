"""What somebody hears of, chosen in the form of `{% inbox_preferences %}`, in real Chromium."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, expect

from rig.axe import violations
from rig.inbox_page import PAGE, InboxPage, Notifier, log_in, until
from rig.stack import Stack

pytest_plugins = ["rig.inbox_fixtures"]

ANNOUNCED = "Messages: In-app"


async def choose(page: Page, box: str, *, on: bool) -> None:
    """Check or uncheck *box*, and save."""
    await page.get_by_role("checkbox", name=box).set_checked(on)
    async with page.expect_navigation():
        await page.get_by_role("button", name="Save").click()


async def test_muted_kind_s_announcements_are_nowhere(tab: InboxPage, notifier: Notifier) -> None:
    """Neither in the tab that muted it nor in one that was open; and they are back when she hears of it again."""
    other = await InboxPage.open(tab.page.context, tab.page.url.split(PAGE)[0])
    await choose(tab.page, ANNOUNCED, on=False)
    await tab.until_state("live")
    notifier.notify("everyone", title="Muted")
    notifier.notify("ann", kind="example.like", title="Heard")
    for each in (tab, other):
        await until(each.titles, ["Heard"])
    muted = [(await each.count(), await each.toasts.count()) for each in (tab, other)]
    await choose(tab.page, ANNOUNCED, on=True)
    for each in (tab, other):
        await until(each.titles, ["Heard", "Muted"], 10)
        await until(each.count, "2")

    assert muted == [("1", 1), ("1", 1)]


async def test_form_needs_no_script(stack: Stack, notifier: Notifier, browser: Browser) -> None:
    """It says what is so, saves, and comes back to the page that has it."""
    context = await log_in(browser, stack.url, "bob", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{stack.url}{PAGE}")
    box = page.get_by_role("checkbox", name="Likes: Email")
    before = await box.is_checked()
    await choose(page, "Likes: Email", on=not before)
    after, address = await box.is_checked(), page.url
    await choose(page, "Likes: Email", on=before)

    assert (before, after) == (False, True)
    assert address == f"{stack.url}{PAGE}#tandem-preferences"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_has_nothing_to_say(stack: Stack, notifier: Notifier, browser: Browser, scheme: str) -> None:
    """Of the form in the example's page, by keys too."""
    context = await log_in(browser, stack.url, "ann", color_scheme=scheme)
    page = await context.new_page()
    await page.goto(f"{stack.url}{PAGE}")
    box = page.get_by_role("checkbox", name=ANNOUNCED)
    await box.focus()
    await page.keyboard.press("Space")
    await page.keyboard.press("Space")

    assert await violations(page) == []
    await expect(box).to_be_checked()
