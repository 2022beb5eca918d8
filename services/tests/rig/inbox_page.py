"""People with an inbox: who notifies them, and their pages in real browsers."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, Page

from rig.stack import Stack

PAGE = "/notifications/"
PEOPLE = ("ann", "bob")

_NOTIFY = """
import json, sys, time
import django
django.setup()
from django.contrib.auth.models import User
from tandem.inbox import EVERYONE, notify
for name in sys.argv[1:]:
    if not User.objects.filter(username=name).exists():
        User.objects.create_user(name, password=f"of-{name}", is_staff=True)
print("ready", flush=True)
for line in sys.stdin:
    said = json.loads(line)
    to = said.pop("to")
    notify(EVERYONE if to == "everyone" else User.objects.get(username=to), said.pop("kind"), **said)
    print(time.time(), flush=True)
"""


class Notifier:
    """A process of the project that notifies its people. Use as a context manager."""

    def __init__(self, stack: Stack) -> None:
        self._environ = {**os.environ, **stack.environ, "DJANGO_SETTINGS_MODULE": "api.settings"}

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _NOTIFY, *PEOPLE],
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "ready"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)

    def notify(self, to: str, *, kind: str = "example.message", **said: Any) -> float:
        """Notify *to*, or "everyone", and return when that was committed (seconds since 1970)."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"to": to, "kind": kind, **said}) + "\n")
        self._process.stdin.flush()
        return float(self._read())

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


async def log_in(browser: Browser, url: str, name: str, **options: Any) -> BrowserContext:
    """Return a browser of its own in which *name* has logged in."""
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.goto(f"{url}/admin/login/")
    await page.fill("#id_username", name)
    await page.fill("#id_password", f"of-{name}")
    await page.click("[type=submit]")
    await page.wait_for_url("**/admin/")
    await page.close()
    return context


class InboxPage:
    """A tab that shows the bell."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("tandem-inbox")
        self.bell = self.element.locator("[part=bell]")
        self.badge = self.element.locator("[part=badge]")
        self.rows = self.element.locator("[part=list] > li")
        self.toasts = self.element.locator("[part=toasts] > li")
        self.note = self.element.locator("[part=note]")
        self.told = self.element.locator("[part=state]")
        self.problem = self.element.locator("[part=problem]")

    @classmethod
    async def open(cls, context: BrowserContext, url: str, *, is_live: bool = True) -> Self:
        """Open the page in a new tab, and wait until it is live."""
        tab = cls(await context.new_page())
        await tab.page.goto(f"{url}{PAGE}")
        if is_live:
            await tab.until_state("live")
        return tab

    async def state(self) -> str | None:
        """Return what the element says of itself."""
        return await self.element.get_attribute("state")

    async def until_state(self, state: str, seconds: float = 15) -> None:
        """Wait until the element says *state*."""
        await until(self.state, state, seconds)

    async def count(self) -> str:
        """Return what the badge shows."""
        return await self.badge.inner_text()

    async def titles(self) -> list[str]:
        """Return the titles in the list, from above."""
        return await self.rows.locator("[part=title]").all_inner_texts()

    async def texts(self) -> list[str]:
        """Return the texts in the list, from above."""
        return await self.rows.locator("[part=text]").all_inner_texts()

    async def parts(self) -> list[str]:
        """Return what the rows are, as style sheets see them."""
        found: list[str] = await self.rows.evaluate_all("(rows) => rows.map((row) => row.getAttribute('part'))")
        return found

    async def empty(self) -> None:
        """Archive all that is there."""
        await self.page.evaluate("document.querySelector('tandem-inbox').inbox.markAll('archived')")
        await until(self.titles, [])

    async def stand_still(self) -> None:
        """Wait until nothing fades or comes in any more: colours are then those that are meant."""
        await self.element.evaluate(
            "({ shadowRoot }) => Promise.allSettled(shadowRoot.getAnimations().map((each) => each.finished))"
        )

    async def row(self, text: str, action: str) -> None:
        """Press *action* beside the notification that says *text*."""
        await self.rows.filter(has_text=text).get_by_role("button", name=f"{action}: ").click()


async def until(read: Callable[[], Awaitable[Any]], wanted: Any, seconds: float = 5) -> float:
    """Wait until *read* returns *wanted*, and return the time (seconds since 1970). Raises `TimeoutError`."""
    end = time.monotonic() + seconds
    while (found := await read()) != wanted:
        if time.monotonic() > end:
            raise TimeoutError(f"{wanted!r} wanted, {found!r} found after {seconds} s")
        await asyncio.sleep(0.01)
    return time.time()
