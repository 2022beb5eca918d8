"""Django as the realtime service's own tests need it: a runtime without a server, and two running processes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:  # Django is not set up yet
    from rig.pair import Pair
    from tandem_realtime.runtime import Runtime
    from tests.session_clients import FakeTransport

os.environ.setdefault("TANDEM_DEBUG", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tandem_realtime.settings")


@pytest_asyncio.fixture
async def runtime(redis_url: str) -> AsyncIterator[Runtime]:
    """What a process has, over the shared Redis."""
    from tests.session_clients import running

    async with running(redis_url) as runtime:
        yield runtime


@pytest_asyncio.fixture
async def client(runtime: Runtime) -> FakeTransport:
    """An anonymous client that is connected."""
    from tests.session_clients import FakeTransport

    client = FakeTransport(runtime)
    await client.connect()
    return client


@pytest.fixture(scope="session")
def _pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    from rig.pair import Pair

    with Pair(tmp_path_factory.mktemp("pair")) as running:
        yield running


@pytest.fixture
def pair(_pair: Pair) -> Iterator[Pair]:
    """Two running processes; the test's own `tandem` publishes to them."""
    with _pair.settings():
        yield _pair
