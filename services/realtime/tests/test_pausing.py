"""A pause, as the sockets know it: what clients publish is refused, for as long as Redis has its mark."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import redis

from rig.pair import Pair, open_stream
from rig.servers import RedisServer, free_port
from rig.wire import open_wire
from tandem import apublish, pause
from tandem.errors import PublishingPaused, RedisReplyError
from tandem.pause_mark import mark_command, parse_mark, unmark_command
from tandem_realtime.runtime import Runtime
from tests.session_clients import FakeTransport, running

SINCE = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)
NOT_NOW = {"error": {"code": 100, "message": "internal server error", "temporary": True}}
PUBLISH: dict[str, Any] = {"publish": {"channel": "public:paused", "data": 1}}
CONNECT = '{"id":1,"connect":{}}'


async def until(condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def until_answers(ask: Callable[[], Awaitable[dict[str, Any]]], expected: dict[str, Any]) -> None:
    """Ask until the answer, but for its id, is *expected*."""
    async with asyncio.timeout(20):
        while {name: value for name, value in (await ask()).items() if name != "id"} != expected:
            await asyncio.sleep(0.05)


def count_looks(runtime: Runtime) -> list[str]:
    """Return a list that gets what is logged of looks that failed, each."""
    looks: list[str] = []
    runtime.pausing._repeats.warning = lambda event, *_, **__: looks.append(event)  # type: ignore[method-assign]  # it tells but once a minute
    return looks


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second, but for the processes of the pair."""
    monkeypatch.setattr("tandem_realtime.pausing.LOOK_SECONDS", 0.05)


@pytest_asyncio.fixture
async def marked(redis_url: str) -> AsyncIterator[redis.Redis]:
    """A Redis with the mark of a pause; the value is a client of it."""
    with redis.Redis.from_url(redis_url) as client:
        client.execute_command(*mark_command(SINCE))
        yield client
        client.execute_command(*unmark_command())


def test_mark_that_is_none_of_ours_is_refused() -> None:
    """With what came, and where."""
    assert parse_mark(None) is None
    assert parse_mark(SINCE.isoformat().encode()) == SINCE
    with pytest.raises(RedisReplyError, match=r"tandem:paused:\{tandem.control\} is to have the moment.*b'soon'"):
        parse_mark(b"soon")


async def test_process_that_starts_in_a_pause_refuses(marked: redis.Redis, redis_url: str) -> None:
    """From its first moment on; after the pause it takes what clients publish."""
    async with running(redis_url) as runtime:
        client = FakeTransport(runtime)
        await client.connect()
        await client.subscribe("public:paused")
        refused = await client.command(**PUBLISH)
        marked.execute_command(*unmark_command())
        await until(lambda: not runtime.pausing.is_on)
        taken = await client.command(**PUBLISH)
        [push] = await client.until(1)

    assert refused == NOT_NOW
    assert taken == {"publish": {}}
    assert push["pub"]["data"] == 1


async def test_process_that_runs_looks_every_second(runtime: Runtime, client: FakeTransport, redis_url: str) -> None:
    """Nobody has to tell it; what else a client asks is answered."""
    await client.subscribe("public:paused")
    before = await client.command(**PUBLISH)
    with redis.Redis.from_url(redis_url) as store:
        store.execute_command(*mark_command(SINCE))
        await until(lambda: runtime.pausing.is_on)
        refused = await client.command(**PUBLISH)
        history = await client.command(history={"channel": "public:paused", "limit": -1})
        denied = await client.command(publish={"channel": "latest:a", "data": 1})
        store.execute_command(*unmark_command())
        await until(lambda: not runtime.pausing.is_on)

    assert before == {"publish": {}}
    assert refused == NOT_NOW
    assert [each["data"] for each in history["history"]["publications"]] == [1]
    assert denied["error"]["code"] == 103


async def test_consumers_of_the_project_are_refused_too(marked: redis.Redis, redis_url: str) -> None:
    """They publish in this process, which has no outbox that would know of the pause."""
    async with running(redis_url) as runtime:
        await until(lambda: runtime.pausing.since() is not None)
        with pytest.raises(PublishingPaused, match=r"is paused since 2026-11-26 12:30:00 UTC, until"):
            await apublish("public:a", 1)

    assert pause.look is None


async def test_nothing_is_taken_before_the_first_answer() -> None:
    """A Redis that is away may have the mark."""
    async with running(f"redis://127.0.0.1:{free_port()}/0") as runtime:
        with pytest.raises(PublishingPaused, match="not read from Redis yet"):
            await runtime.pausing.refuse()


async def test_what_is_known_holds_while_redis_is_away(tmp_path: Path) -> None:
    """It goes by the last answer, and by the next one."""
    with RedisServer(tmp_path) as server:
        async with running(server.url) as runtime:
            await until(lambda: not runtime.pausing.is_on)
            with redis.Redis.from_url(server.url) as store:
                store.execute_command(*mark_command(SINCE))
            await until(lambda: runtime.pausing.is_on)
            server.stop()
            looks = count_looks(runtime)
            await until(lambda: len(looks) >= 2)
            during = runtime.pausing.since()
            server.start()  # empty: whoever marks it anew is the outbox's worker
            await until(lambda: not runtime.pausing.is_on)

    assert during == SINCE


@asynccontextmanager
async def paused(pair: Pair) -> AsyncIterator[None]:
    """A pause that both processes know of; after it both take again what clients publish, for the tests to come."""

    async def both_answer(expected: dict[str, Any]) -> None:
        for server in (pair.here, pair.there):
            async with open_wire(f"{server.ws_url}/ws/") as wire:
                await wire.subscribe("public:paused")
                await until_answers(lambda: wire.command(**PUBLISH), expected)  # it is over by then

    with redis.Redis.from_url(pair.redis.url) as store:
        store.execute_command(*mark_command(SINCE))
        try:
            await both_answer(NOT_NOW)
            yield
        finally:
            store.execute_command(*unmark_command())
            await both_answer({"publish": {}})


async def test_every_transport_refuses(pair: Pair) -> None:
    """A socket, by which one knows that it is paused; and commands that come by HTTP, through another process."""
    async with paused(pair), open_stream("POST", f"{pair.here.url}/ws/http_stream", content=CONNECT) as lines:
        told = (await lines.json())["connect"]
        replies = []
        for command in ({"id": 2, "subscribe": {"channel": "public:paused"}}, {"id": 3, **PUBLISH}):
            envelope = {"session": told["session"], "node": told["node"], "data": json.dumps(command)}
            async with httpx.AsyncClient(timeout=5) as browser:
                await browser.post(f"{pair.there.url}/ws/emulation", json=envelope)
            replies.append(await lines.json())

    assert "subscribe" in replies[0]
    assert replies[1] == {"id": 3, **NOT_NOW}
