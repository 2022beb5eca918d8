"""Django as the library's own tests need it, and servers that a test may break."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from django.conf import settings

from tandem.settings import from_environ
from tandem.tests.proxy import Proxy
from tests.servers import RedisServer

settings.configure(
    **from_environ({"TANDEM_DEBUG": "1"}),
    SECRET_KEY="for tests",
    INSTALLED_APPS=["tandem"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill, freeze or restart."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest_asyncio.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    """A way to the shared Redis that the test may cut or turn into a black hole."""
    async with Proxy(redis_server.port) as proxy:
        yield proxy
