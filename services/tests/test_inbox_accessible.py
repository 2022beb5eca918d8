"""The bell by keys, to a screen reader, and as axe sees it in every dress."""

from __future__ import annotations

import asyncio
import os

import pytest
from playwright.async_api import Browser, expect

from rig.axe import violations
from rig.inbox_page import PAGE, InboxPage, Notifier, log_in, until
from rig.stack import Stack

pytest_plugins = ["rig.inbox_fixtures"]


async def test_keys_alone(tab: InboxPage, notifier: Notifier) -> None:
    """Opened, walked through, marked, closed without a mouse; the focus is never lost."""
    for number in (1, 2):
        notifier.notify("ann", title=f"Number {number}")
    await until(tab.count, "2")
    focus = "(() => { const { activeElement: e } = document.querySelector('tandem-inbox').shadowRoot; "
    focus += "return e && (e.ariaLabel ?? e.textContent) })()"
    seen = []
    await tab.bell.focus()
    for key in (
        "Enter",
        "ArrowRight",
        "End",
        "Home",
        "Tab",
        "Tab",
        "ArrowDown",
        "Tab",
        "Enter",
        "Tab",
        "Enter",
        "Escape",
    ):
        await tab.page.keyboard.press(key)
        await asyncio.sleep(0.2)
        seen.append((key, str(await tab.page.evaluate(focus)).split(" ago")[0][:28]))

    assert seen == [
        ("Enter", "All"),
        ("ArrowRight", "Unread"),
        ("End", "Archived"),
        ("Home", "All"),
        ("Tab", "Notifications"),
        ("Tab", "Unread: Number 2this minute"),
        ("ArrowDown", "Unread: Number 1this minute"),
        ("Tab", "Mark as read: Number 1"),
        ("Enter", "Mark as unread: Number 1"),
        ("Tab", "Archive: Number 1"),
        ("Enter", "Unread: Number 2this minute"),
        ("Escape", "Notifications"),
    ]
    await expect(tab.element.locator("[part=panel]")).to_be_hidden()


async def test_a_screen_reader_is_told(tab: InboxPage, notifier: Notifier) -> None:
    """Politely: one by its title, several by their number."""
    live = tab.element.locator("[role=status].hidden")
    notifier.notify("ann", title="One")
    await expect(live).to_have_text("New notification: One")
    for _ in range(3):
        notifier.notify("ann", title="More")

    await expect(live).to_have_text("3 new notifications")
    assert await live.evaluate("(element) => element.computedRole ?? element.role") == "status"


DRESSES = {"light": ("light", 1280, "ltr"), "dark": ("dark", 1280, "ltr"), "right to left": ("light", 1280, "rtl")}
DRESSES |= {"phone": ("light", 390, "ltr"), "phone, dark, right to left": ("dark", 390, "rtl")}


@pytest.mark.parametrize("dress", DRESSES)
async def test_axe_has_nothing_to_say(stack: Stack, notifier: Notifier, browser: Browser, dress: str) -> None:
    """Neither of the closed bell, nor of the panel, of toasts, of an empty list, of what is not up to date."""
    scheme, width, direction = DRESSES[dress]
    context = await log_in(browser, stack.url, "ann", color_scheme=scheme, viewport={"width": width, "height": 800})
    tab = await InboxPage.open(context, stack.url)
    await tab.empty()
    await tab.page.evaluate("(dir) => (document.documentElement.dir = dir)", direction)
    found = {"empty": await violations(tab.page)}
    for severity in ("info", "success", "warning", "error"):
        notifier.notify("ann", title=f"Of severity {severity}", severity=severity, url=PAGE, data={"words": "words"})
    await expect(tab.toasts).to_have_count(3)
    await tab.stand_still()
    found["toasts"] = await violations(tab.page)
    await tab.bell.click()
    await tab.row("Of severity info", "Mark as read")
    await tab.stand_still()
    found["panel"] = await violations(tab.page)
    await tab.page.context.set_offline(True)
    await tab.until_state("offline")
    await tab.stand_still()
    found["offline"] = await violations(tab.page)
    panel = await tab.element.locator("[part=panel]").bounding_box()
    if pictures := os.environ.get("PICTURES"):
        await tab.page.screenshot(path=f"{pictures}/inbox {dress}.png")

    assert found == {"empty": [], "toasts": [], "panel": [], "offline": []}
    assert panel is not None
    assert 0 <= panel["x"] <= panel["x"] + panel["width"] <= width
    assert 0 <= panel["y"] <= panel["y"] + panel["height"] <= 800
