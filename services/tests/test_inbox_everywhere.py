"""The bell in real Chromium, over the real services: whatever happens, it says what is true, everywhere."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import Browser, Route, expect

from rig.cable import Cable
from rig.inbox_page import PAGE, InboxPage, Notifier, log_in, until
from rig.stack import Stack

pytest_plugins = ["rig.inbox_fixtures"]


async def test_a_bell_rings_everywhere_within_a_second(stack: Stack, notifier: Notifier, browser: Browser) -> None:
    """Two people, two browsers each with two tabs: what is for one is in all of hers and in none of his."""
    tabs = {
        name: [
            await InboxPage.open(context, stack.url)
            for context in [await log_in(browser, stack.url, name) for _ in range(2)]
            for _ in range(2)
        ]
        for name in ("ann", "bob")
    }
    ann, bob = tabs["ann"], tabs["bob"]
    for each in (ann[0], bob[0]):
        await each.empty()
    committed = notifier.notify("ann", title="For Ann", url=PAGE)
    badges = await asyncio.gather(*(until(each.count, "1") for each in ann))
    toasts = await asyncio.gather(*(until(each.toasts.count, 1) for each in ann))
    print(f"badge after {max(badges) - committed:.3f} s, toast after {max(toasts) - committed:.3f} s")
    of_bob = [await each.count() for each in bob]
    committed_for_all = notifier.notify("everyone", title="For everyone")
    rung = await asyncio.gather(*(until(each.count, "2") for each in ann), *(until(each.count, "1") for each in bob))
    print(f"everyone's after {max(rung) - committed_for_all:.3f} s")

    assert max(*badges, *toasts) - committed < 1
    assert max(rung) - committed_for_all < 1
    assert of_bob == ["", "", "", ""]
    assert [await each.toasts.count() for each in bob] == [1, 1, 1, 1]


async def test_what_is_read_in_one_is_read_in_all(stack: Stack, notifier: Notifier, browser: Browser) -> None:
    """Open the panel in one tab: seen in all. Read one there, archive another: the same."""
    contexts = [await log_in(browser, stack.url, "ann") for _ in range(2)]
    tabs = [await InboxPage.open(context, stack.url) for context in contexts for _ in range(2)]
    await tabs[0].empty()
    for number in (1, 2, 3):
        notifier.notify("ann", title=f"Number {number}")
    await asyncio.gather(*(until(each.count, "3") for each in tabs))
    await tabs[0].bell.click()
    pressed = time.time()
    seen = await asyncio.gather(*(until(each.count, "") for each in tabs))
    await tabs[0].row("Number 1", "Archive")
    await tabs[0].row("Number 2", "Mark as read")
    marked = time.time()
    wanted = ["item info unread", "item info read"]
    done = await asyncio.gather(*(until(each.parts, wanted) for each in tabs))
    print(f"seen everywhere after {max(seen) - pressed:.3f} s, read and archived after {max(done) - marked:.3f} s")

    assert max(seen) - pressed < 1
    assert max(done) - marked < 1
    assert [await each.titles() for each in tabs] == [["Number 3", "Number 2"]] * 4


async def test_what_came_while_the_line_was_cut(stack: Stack, notifier: Notifier, browser: Browser) -> None:
    """Ten notifications: all of them once, in order, with the right count; meanwhile the bell does not say live."""
    async with Cable(stack.edge.port) as cable:
        url = f"http://127.0.0.1:{cable.port}"
        tab = await InboxPage.open(await log_in(browser, url, "ann"), url)
        await tab.empty()
        await tab.page.evaluate("""
            window.heard = [];
            document.body.addEventListener("tandem:notification", ({ detail }) => heard.push(detail.title));
        """)
        cable.cut()
        await until_not_live(tab)
        for number in range(10):
            notifier.notify("ann", title=f"Number {number}")
        meanwhile = await tab.count()
        cable.mend()
        await until(tab.count, "10", 30)
        await tab.until_state("live", 30)

        numbers = [f"Number {number}" for number in range(10)]
        assert meanwhile == ""
        assert await tab.titles() == numbers[::-1]
        assert await tab.page.evaluate("heard") == numbers
        assert await tab.toasts.count() == 3


async def until_not_live(tab: InboxPage) -> None:
    """Wait until the element does not call itself live."""
    await expect(tab.element).not_to_have_attribute("state", "live", timeout=10_000)


async def test_a_late_list_does_not_overwrite_a_newer_push(tab: InboxPage, notifier: Notifier) -> None:
    """The answer waits on its way while three come and one is read: what is newer stays."""
    notifier.notify("ann", title="Before")
    await until(tab.count, "1")
    asked, may_come = asyncio.Event(), asyncio.Event()

    async def delay(route: Route) -> None:
        response = await route.fetch()
        asked.set()
        await may_come.wait()
        await route.fulfill(response=response)

    await tab.page.route("**/inbox/?*", delay, times=1)
    reloaded = asyncio.create_task(tab.page.evaluate("document.querySelector('tandem-inbox').inbox.reload()"))
    await asked.wait()
    for number in (1, 2):
        notifier.notify("ann", title=f"After {number}")
    await until(tab.count, "3")
    await tab.page.evaluate(
        "(async ({ inbox }) => inbox.mark('read', inbox.items[2].id))(document.querySelector('tandem-inbox'))"
    )
    await until(tab.count, "2")
    may_come.set()
    await reloaded

    assert await tab.count() == "2"
    assert await tab.titles() == ["After 2", "After 1", "Before"]
    assert await tab.parts() == ["item info unread", "item info unread", "item info read"]
    assert await tab.state() == "live"


async def test_a_refused_mark_is_taken_back(tab: InboxPage, notifier: Notifier) -> None:
    """At once it looks done; when the server says no it is undone, and said."""
    notifier.notify("ann", title="Stubborn")
    await until(tab.count, "1")
    refused, may_come = asyncio.Event(), asyncio.Event()

    async def refuse(route: Route) -> None:
        refused.set()
        await may_come.wait()
        await route.fulfill(status=500, body="<h1>Server Error</h1>")

    await tab.bell.click()
    await until(tab.count, "")
    await tab.page.route("**/inbox/mark/", refuse)
    await tab.row("Stubborn", "Mark as read")
    await refused.wait()
    between = await tab.parts()
    may_come.set()
    await expect(tab.problem).to_have_text("That could not be saved.")

    assert between == ["item info read"]
    assert await tab.parts() == ["item info unread"]
    await tab.page.unroute("**/inbox/mark/")
    await tab.row("Stubborn", "Mark as read")
    await expect(tab.problem).to_be_hidden()
    assert await tab.parts() == ["item info read"]
