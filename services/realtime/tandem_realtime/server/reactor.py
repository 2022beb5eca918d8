"""Twisted on asyncio: import the reactor from here, and there is one event loop for everything."""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from twisted.internet import asyncioreactor

from tandem_realtime.turn import timed_loop


def _install() -> None:
    """Have the reactor run a loop of ours, with as many threads as Daphne would give it."""
    loop = timed_loop()
    if threads := os.environ.get("ASGI_THREADS"):
        loop.set_default_executor(ThreadPoolExecutor(int(threads)))
    asyncioreactor.install(loop)  # type: ignore[no-untyped-call]  # Twisted has no types


if "twisted.internet.reactor" not in sys.modules:
    _install()

import daphne.server  # noqa: E402  # drops any reactor that is not asyncio's
from twisted.internet import reactor as installed  # noqa: E402

__all__ = ["daphne", "event_loop", "reactor"]

reactor: Any = installed


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that the reactor runs, before or while it runs."""
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    return loop
