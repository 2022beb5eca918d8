"""The bell's panel: what is in it, and what a page can do with it."""

from __future__ import annotations

import re

from playwright.async_api import Route, expect

from rig.inbox_page import PAGE, InboxPage, Notifier, until
from rig.servers import SERVICES
from rig.stack import Stack

pytest_plugins = ["rig.inbox_fixtures"]


DOCUMENTATION = SERVICES / "tandem/docs/inbox.md"


async def test_script_is_text(tab: InboxPage, notifier: Notifier) -> None:
    """In title, body and category; an address that is no page is no link, even if a server let it through."""
    evil = "<img src=x onerror='window.evil = 1'><script>window.evil = 1</script>"

    async def poison(route: Route) -> None:
        answer = await (await route.fetch()).json()
        answer["categories"] = {"evil": evil}
        for item, url in zip(
            answer["items"], ["javascript:window.evil=1", "data:text/html,x", "java\tscript:x"], strict=True
        ):
            item["url"] = url
        await route.fulfill(json=answer)

    for _ in range(3):
        notifier.notify("ann", title=evil, data={"words": evil})
    await until(tab.count, "3")
    await tab.page.route("**/inbox/?*", poison)
    await tab.page.reload()
    await tab.until_state("live")
    await tab.bell.click()
    links = tab.rows.locator("[part=link]")
    for link in await links.all():
        await link.click()

    assert await tab.titles() == [evil] * 3
    assert await tab.texts() == [evil] * 3
    assert await tab.element.get_by_role("tab").nth(2).inner_text() == evil
    assert [await link.get_attribute("href") for link in await links.all()] == [None] * 3
    assert await tab.page.evaluate("window.evil") is None


async def test_more_than_99(tab: InboxPage, notifier: Notifier) -> None:
    """The badge says 99+; the list is loaded by twenties."""
    for number in range(101):
        notifier.notify("ann", title=f"Number {number}")
    await until(tab.count, "99+", 10)
    await tab.page.reload()
    await tab.until_state("live")
    name = await tab.bell.get_attribute("aria-label")
    await tab.bell.click()
    for shown in (20, 40, 60, 80, 100, 101):
        await expect(tab.rows).to_have_count(shown)
        if shown < 101:
            await tab.element.get_by_role("button", name="Show more").click()

    assert name == "Notifications, 99+ new"
    assert await tab.titles() == [f"Number {number}" for number in reversed(range(101))]
    await expect(tab.element.get_by_role("button", name="Show more")).to_be_hidden()


async def test_tabs_by_category(tab: InboxPage, notifier: Notifier) -> None:
    """All, unread, a category, what was archived; what arrives goes where it belongs."""
    notifier.notify("ann", title="A message")
    notifier.notify("ann", kind="example.like", actor="Cid", title="A like")
    await until(tab.count, "2")
    await tab.bell.click()
    await tab.row("A message", "Mark as read")
    for name, first in {"Unread": "A like", "Likes": "A like", "Messages": "A message"}.items():
        await tab.element.get_by_role("tab", name=name).click()
        await until(tab.titles, [first])
    notifier.notify("ann", kind="example.like", title="Another like")
    notifier.notify("ann", title="Another message")
    await until(tab.titles, ["Another message", "A message"])
    await tab.row("Another message", "Archive")
    await until(tab.titles, ["A message"])
    await tab.element.get_by_role("tab", name="Archived").click()
    await until(lambda: first_of(tab), "Another message")
    await tab.row("Another message", "Move back")
    await tab.element.get_by_role("tab", name="All").click()

    await until(tab.titles, ["Another message", "Another like", "A like", "A message"])


async def first_of(tab: InboxPage) -> str:
    """The title on top."""
    return (await tab.titles())[0]


async def test_a_strict_policy(stack: Stack, tab: InboxPage, notifier: Notifier) -> None:
    """The page allows its own files and nothing inline; the browser has nothing to complain about."""
    complaints: list[str] = []
    tab.page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.page.on("pageerror", lambda error: complaints.append(str(error)))
    await tab.page.reload()
    await tab.until_state("live")
    notifier.notify("ann", title="One")
    await expect(tab.toasts).to_have_count(1)
    await tab.bell.click()
    await tab.row("One", "Archive")
    await until(tab.titles, [])
    answer = await tab.page.request.get(f"{stack.url}{PAGE}")

    assert "unsafe" not in answer.headers["content-security-policy"]
    assert complaints == []


async def test_the_button_of_the_page(tab: InboxPage) -> None:
    """It works without JavaScript: a form is posted, and the bell of the next page has it."""
    await tab.page.fill("#words", "To myself")
    await tab.page.get_by_role("button", name="Notify").click()
    await until(tab.count, "1")
    await tab.bell.click()

    assert await tab.titles() == ["ann wrote to you"]
    assert await tab.texts() == ["To myself"]


async def test_what_a_style_sheet_can_reach(tab: InboxPage, notifier: Notifier) -> None:
    """Every part that the documentation names is there; a part and a variable take the page's colours."""
    [sentence] = re.findall(r"Parts: (.*?)\. Slots", DOCUMENTATION.read_text(), re.DOTALL)
    named = set(re.findall("`([a-z-]+)`", sentence))
    notifier.notify("ann", title="One", data={"words": "words"})
    await expect(tab.toasts).to_have_count(1)
    await tab.bell.click()
    colours = await tab.page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(`tandem-inbox { --tandem-inbox-text: rgb(1, 2, 3) }
            tandem-inbox::part(unread) { background: rgb(4, 5, 6) }`);
        document.adoptedStyleSheets.push(sheet);
        const root = document.querySelector("tandem-inbox").shadowRoot;
        const [panel, item] = [root.querySelector("dialog"), root.querySelector("li")];
        return [getComputedStyle(panel).color, getComputedStyle(item).backgroundColor];
    }""")
    parts_there = await tab.element.evaluate(
        "({ shadowRoot }) => [...shadowRoot.querySelectorAll('[part]')].flatMap((each) => [...each.part])"
    )

    assert colours == ["rgb(1, 2, 3)", "rgb(4, 5, 6)"]
    assert set(parts_there) - {"info", "success", "hidden"} == named - {"read"}


async def test_an_inbox_of_the_page_in_the_element(tab: InboxPage, notifier: Notifier) -> None:
    """Given before it comes into the page, it is shown, and goes on when the element goes."""
    found = await tab.page.evaluate("""async () => {
        const { inbox } = document.querySelector("tandem-inbox");
        const { Inbox } = await import(document.querySelector("script[src*=tandem-inbox]").src);
        const own = new Inbox({ url: "/inbox/" });
        await own.start();
        const element = Object.assign(document.createElement("tandem-inbox"), { inbox: own });
        document.body.append(element);
        const isShown = element.inbox === own && own !== inbox;
        element.remove();
        await own.setPreference({ kind: "example.like", medium: "email", on: true });
        const { kinds } = await own.preferences();
        const like = kinds.find(({ kind }) => kind === "example.like");
        const refused = await own.setPreference({ kind: "nothing", medium: "email", on: true }).catch((error) => error);
        return [isShown, own.isLoaded, like.media, refused.status, refused.field];
    }""")

    assert found == [True, True, {"inbox": True, "email": True}, 400, "kind"]
