"""The bell in real Chromium, over the real services: whatever happens, it says what is true, everywhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Route, expect
from playwright.async_api import TimeoutError as NotInTime

from rig.browser import open_browser
from rig.cable import Cable
from rig.inbox_page import PAGE, InboxPage, Notifier, log_in, until
from rig.servers import SERVICES, MissingServer
from rig.stack import Stack

DOCUMENTATION = SERVICES / "tandem/docs/inbox.md"
AXE = SERVICES / "tests/sdk/node_modules/axe-core/axe.min.js"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A pair of its own: these inboxes fill up."""
    with Stack(tmp_path_factory.mktemp("inbox")) as running:
        yield running


@pytest.fixture(scope="module")
def notifier(stack: Stack) -> Iterator[Notifier]:
    """Ann and Bob, and who notifies them."""
    with Notifier(stack) as running:
        yield running


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    async with open_browser() as running:
        yield running


@pytest_asyncio.fixture
async def tab(stack: Stack, notifier: Notifier, browser: Browser) -> InboxPage:
    """A tab of Ann's, with nothing in her inbox."""
    page = await InboxPage.open(await log_in(browser, stack.url, "ann"), stack.url)
    await empty(page)
    return page


async def empty(tab: InboxPage) -> None:
    """Archive all that somebody has."""
    await tab.page.evaluate("document.querySelector('tandem-inbox').inbox.markAll('archived')")
    await until(tab.titles, [])


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
        await empty(each)
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
    await empty(tabs[0])
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
    done = await asyncio.gather(*(until(partial(parts, each), wanted) for each in tabs))
    print(f"seen everywhere after {max(seen) - pressed:.3f} s, read and archived after {max(done) - marked:.3f} s")

    assert max(seen) - pressed < 1
    assert max(done) - marked < 1
    assert [await each.titles() for each in tabs] == [["Number 3", "Number 2"]] * 4


async def parts(tab: InboxPage) -> list[str]:
    """What the rows are, as style sheets see them."""
    found: list[str] = await tab.rows.evaluate_all("(rows) => rows.map((row) => row.getAttribute('part'))")
    return found


async def test_what_came_while_the_line_was_cut(stack: Stack, notifier: Notifier, browser: Browser) -> None:
    """Ten notifications: all of them once, in order, with the right count; meanwhile the bell does not say live."""
    async with Cable(stack.edge.port) as cable:
        url = f"http://127.0.0.1:{cable.port}"
        tab = await InboxPage.open(await log_in(browser, url, "ann"), url)
        await empty(tab)
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
    assert await parts(tab) == ["item info unread", "item info unread", "item info read"]
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
    between = await parts(tab)
    may_come.set()
    await expect(tab.problem).to_have_text("That could not be saved.")

    assert between == ["item info read"]
    assert await parts(tab) == ["item info unread"]
    await tab.page.unroute("**/inbox/mark/")
    await tab.row("Stubborn", "Mark as read")
    await expect(tab.problem).to_be_hidden()
    assert await parts(tab) == ["item info read"]


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
    rolled_back = await parts(tab)
    notifier.notify("ann", title="Meanwhile")
    await tab.page.context.set_offline(False)
    await until(tab.titles, ["Meanwhile", "Before"], 30)
    await tab.until_state("live")

    assert told.startswith("Offline since ")
    assert rolled_back == ["item info unread"]
    await expect(tab.told).to_be_hidden()


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
    await empty(tab)
    await tab.page.evaluate("(dir) => (document.documentElement.dir = dir)", direction)
    found = {"empty": await violations(tab)}
    for severity in ("info", "success", "warning", "error"):
        notifier.notify("ann", title=f"Of severity {severity}", severity=severity, url=PAGE, data={"words": "words"})
    await expect(tab.toasts).to_have_count(3)
    found["toasts"] = await violations(tab)
    await tab.bell.click()
    await tab.row("Of severity info", "Mark as read")
    await asyncio.sleep(1.5)  # colours fade
    found["panel"] = await violations(tab)
    await tab.page.context.set_offline(True)
    await tab.until_state("offline")
    await asyncio.sleep(1.5)
    found["offline"] = await violations(tab)
    panel = await tab.element.locator("[part=panel]").bounding_box()
    if pictures := os.environ.get("PICTURES"):
        await tab.page.screenshot(path=f"{pictures}/inbox {dress}.png")

    assert found == {"empty": [], "toasts": [], "panel": [], "offline": []}
    assert panel is not None
    assert 0 <= panel["x"] <= panel["x"] + panel["width"] <= width
    assert 0 <= panel["y"] <= panel["y"] + panel["height"] <= 800


async def violations(tab: InboxPage) -> list[str]:
    """What axe-core finds on the page; its script is not the page's and needs no leave of its policy."""
    if not AXE.exists():
        raise MissingServer("npm packages are missing: make test installs them if there is npm")
    await tab.page.evaluate(AXE.read_text())
    found = await tab.page.evaluate("axe.run()")
    return [f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]]


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
