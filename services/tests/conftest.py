"""One running pair for the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from django.conf import settings

from rig.stack import Stack

# For tests that publish by themselves. The services read their own settings.
settings.configure(DEBUG=True)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The pair behind nginx. A test that kills part of it starts its own."""
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client at the edge."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as client:
        yield client
