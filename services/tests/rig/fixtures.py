"""Fixtures that every service's tests share."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from rig.servers import MissingServer, RedisServer

NOT_TRIED = "NOT_TRIED"
"""The variable that names a file: a line for each test that was left out, what it wants and which it is."""


def _skip_without_server(item: pytest.Item) -> Generator[None, None, None]:
    """Turn a missing program into a skip on a developer's machine; in CI it is a failure."""
    try:
        yield
    except MissingServer as missing:
        if os.environ.get("CI") == "true":
            raise
        if path := os.environ.get(NOT_TRIED):
            with open(path, "a") as file:
                file.write(f"{missing.wants}\t{item.nodeid}\n")
        pytest.skip(str(missing))


pytest_runtest_setup = pytest.hookimpl(wrapper=True)(_skip_without_server)
pytest_runtest_call = pytest.hookimpl(wrapper=True)(_skip_without_server)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One real Redis for the whole run; a test that breaks Redis starts its own."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of the shared Redis, emptied before the test."""
    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url
