"""What the api does while PostgreSQL or Redis is away, and after."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rig.postgres import PostgresServer
from rig.servers import RedisServer, wait_until
from tests.gunicorn_process import Gunicorn


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may stop."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest.fixture
def api(tmp_path: Path, postgres: PostgresServer, own_redis: RedisServer) -> Iterator[Gunicorn]:
    """The api over servers that the test may stop."""
    with Gunicorn(tmp_path, database_url=postgres.url, redis_url=own_redis.url) as server:
        yield server


def readiness(api: Gunicorn) -> dict[str, str]:
    """What /readyz says."""
    answer: dict[str, str] = httpx.get(f"{api.url}/readyz", timeout=20).json()
    return answer


def test_database_restart_needs_no_restart_of_ours(api: Gunicorn, postgres: PostgresServer) -> None:
    """Unready while it is away; alive all the time; the pool's dead connections are replaced."""
    postgres.signal(signal.SIGINT)
    assert postgres.process is not None
    postgres.process.wait(15)
    down = readiness(api), httpx.get(f"{api.url}/healthz").status_code
    postgres.start()
    wait_until(lambda: readiness(api)["database"] == "ok", what="the database")

    assert down == ({"database": "unavailable"}, 200)
    assert httpx.post(f"{api.url}/api/counters/demo/increment/").status_code == 200


def test_frozen_redis_delays_and_refuses_nothing(api: Gunicorn, own_redis: RedisServer) -> None:
    """A change is committed and answered within about a second; its publication follows the next one."""
    own_redis.signal(signal.SIGSTOP)
    started = time.monotonic()
    frozen = httpx.post(f"{api.url}/api/counters/demo/increment/", timeout=20)
    seconds = time.monotonic() - started
    own_redis.signal(signal.SIGCONT)
    thawed = httpx.post(f"{api.url}/api/counters/demo/increment/").raise_for_status()
    answer = httpx.get(f"{api.url}/api/counters/demo/")

    assert (frozen.status_code, thawed.json()["value"] - frozen.json()["value"]) == (200, 1)
    assert seconds < 5
    assert answer.headers["X-Tandem-Position"].endswith(":2")
