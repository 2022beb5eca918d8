"""A page in a real browser that does nothing but listen with tandem.js, and notes what it heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import httpx
from playwright.async_api import BrowserContext, Page

SCRIPT = "/static/tandem/tandem.js"
WORKER = "/realtime/worker.js"
EMPTY = "nowhere/"
"""Below a site: the page of what is not there, which has our policy and no script, so no connection either."""

_LISTEN = """
async ({ script, options, channel, since, asks }) => {
  const { connect, subscribe } = await import(script);
  const noted = (window.noted ??= { seen: [], offsets: [], reloads: [], states: [] });
  document.addEventListener("tandem:state", ({ detail }) => noted.states.push([detail.state, detail.reason]));
  window.connection = connect(options ?? undefined);
  window.subscription = subscribe(channel, {
    ...(since !== null && { since }),
    onPublication(data, publication) {
      noted.seen.push(data);
      noted.offsets.push(publication.offset);
    },
    ...(asks && { onReload: async (position) => void noted.reloads.push(position) }),
  });
}
"""

CONFIGURED: dict[str, Any] = {}

# What a browser may lack; how a page then shares its connection.
WITHOUT = {
    "worker": "",
    "lock": "delete window.SharedWorker;",
    "alone": "delete window.SharedWorker; delete Navigator.prototype.locks;",
}


async def position_of_counter(http: httpx.AsyncClient) -> str:
    """Return where the counter's channel stands, as a page learns it with the counter's value."""
    answer = await http.get("/api/counters/demo/")
    return str(answer.headers["X-Tandem-Position"])


class TandemPage:
    """One tab that hears one channel."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(
        cls,
        context: BrowserContext,
        url: str,
        channel: str,
        *,
        since: str | None = None,
        asks: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Open a tab of *context* at the site *url*, on a page without a script, and listen there."""
        tab = cls(await context.new_page())
        await tab.page.goto(url + EMPTY)
        await tab.listen(channel, since=since, asks=asks, options=options)
        return tab

    async def listen(
        self,
        channel: str,
        *,
        since: str | None = None,
        asks: bool = True,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Subscribe to *channel*; *asks* says whether this page has a state to load again.

        *options* are those of `connect`, CONFIGURED for what ``{% tandem %}`` wrote into the page.
        """
        if options is not CONFIGURED:
            options = {"login": "", "worker": WORKER, **(options or {})}
        arguments = {"script": SCRIPT, "options": options or None, "channel": channel, "since": since, "asks": asks}
        await self.page.evaluate(_LISTEN, arguments)

    async def noted(self, name: str) -> Any:
        """Return what was noted under *name*: seen, offsets, reloads or states."""
        return await self.page.evaluate(f"window.noted.{name}")

    async def state(self) -> str:
        """Return what the page may say now."""
        return str(await self.page.evaluate("window.connection.state"))

    async def until(self, state: str, *, seconds: float = 10) -> float:
        """Wait until the page says *state*; return how long that took. Raises `TimeoutError`, telling the history."""
        return await self._until(lambda now: now == state, "window.connection.state", state, seconds)

    async def until_not(self, state: str, *, seconds: float = 10) -> float:
        """Wait until the page says something else than *state*."""
        return await self._until(lambda now: now != state, "window.connection.state", f"not {state}", seconds)

    async def until_true(self, expression: str, *, seconds: float = 10) -> float:
        """Wait until *expression* holds in the page, whose policy forbids Playwright's own way to do that."""
        return await self._until(bool, f"Boolean({expression})", expression, seconds)

    async def until_seen(self, count: int, *, seconds: float = 10) -> list[Any]:
        """Wait until *count* publications were heard, and return them."""
        await self._until(lambda now: now >= count, "window.noted.seen.length", f"{count} heard", seconds)
        return list(await self.noted("seen"))

    async def _until(self, holds: Callable[[Any], bool], what: str, name: str, seconds: float) -> float:
        started = time.monotonic()
        while not holds(await self.page.evaluate(what)):
            if time.monotonic() - started > seconds:
                raise TimeoutError(f"{name}: not within {seconds} s; {await self.page.evaluate('window.noted')}")
            await asyncio.sleep(0.02)
        return time.monotonic() - started
