"""Twisted on asyncio: import the reactor from here, and there is one event loop for everything."""

from __future__ import annotations

import asyncio
from typing import Any

import daphne.server  # installs the asyncio reactor unless somebody has, and drops any other
from twisted.internet import reactor as installed

__all__ = ["daphne", "event_loop", "reactor"]

reactor: Any = installed


def event_loop() -> asyncio.AbstractEventLoop:
    """Return the loop that the reactor runs, before or while it runs."""
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    return loop
