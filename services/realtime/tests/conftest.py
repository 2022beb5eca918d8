"""Django as the realtime service's own tests need it, and a runtime for those that need no server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest_asyncio

if TYPE_CHECKING:  # Django is not set up yet
    from realtime.runtime import Runtime
    from realtime.tests.session_clients import FakeTransport

os.environ.setdefault("TANDEM_DEBUG", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime.settings")


@pytest_asyncio.fixture
async def runtime(redis_url: str) -> AsyncIterator[Runtime]:
    """What a process has, over the shared Redis."""
    from realtime.tests.session_clients import running

    async with running(redis_url) as runtime:
        yield runtime


@pytest_asyncio.fixture
async def client(runtime: Runtime) -> FakeTransport:
    """An anonymous client that is connected."""
    from realtime.tests.session_clients import FakeTransport

    client = FakeTransport(runtime)
    await client.connect()
    return client
