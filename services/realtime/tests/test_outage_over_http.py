"""An event stream and a long poll through an outage of Redis: both say that they are not sure, and take it back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from rig.overrides import override_tandem
from rig.pair import NAMESPACES, SECONDS, Lines, Realtime, open_stream
from rig.servers import RedisServer, wait_until
from tandem import apublish
from tandem.errors import RedisUnavailable
from tandem.publication import Position

CHANNEL = "public:outage"
NOTICED_SECONDS = 20.0
TAKEN_BACK_SECONDS = 20.0


class Outage:
    """A process, and its Redis, which can stop answering."""

    def __init__(self, redis: RedisServer, process: Realtime) -> None:
        self.redis = redis
        self.process = process

    def begin(self) -> None:
        """Answer nothing, close nothing."""
        self.redis.signal(signal.SIGSTOP)

    def end(self) -> None:
        """Go on."""
        self.redis.signal(signal.SIGCONT)

    async def poll(self, since: object, **params: str) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        async with httpx.AsyncClient(timeout=40) as client:
            params = {"channel": CHANNEL, "since": str(since), **params}
            answer = await client.get(f"{self.process.url}/ws/poll/", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest_asyncio.fixture
async def outage(tmp_path: Path) -> AsyncIterator[Outage]:
    """Nothing is wrong yet."""
    with RedisServer(tmp_path) as redis, Realtime(redis.url, tmp_path, {}) as process:
        wait_until(process.is_ready, what="ready")
        with override_tandem(redis_urls=[redis.url], namespaces=NAMESPACES):
            yield Outage(redis, process)


async def state(lines: Lines, seconds: float) -> str:
    """Wait for the next state that an event stream tells."""
    async with asyncio.timeout(seconds):
        while (event := await lines.event()).get("event") != "state":
            pass
    told: str = event["data"]["state"]
    return told


async def test_event_stream_says_stale_and_live_again(outage: Outage) -> None:
    """It stays open, and what is published after it arrives on it, under its position."""
    await apublish(CHANNEL, 1)
    async with open_stream("GET", f"{outage.process.url}/ws/sse/", params={"channel": CHANNEL}) as lines:
        assert (await lines.event())["event"] == "position"
        outage.begin()
        during = await state(lines, NOTICED_SECONDS)
        outage.end()
        after = await state(lines, TAKEN_BACK_SECONDS)
        at = await apublish(CHANNEL, 2)
        event = await lines.event()

    assert (during, after) == ("stale", "live")
    assert (event["id"], event["data"]["data"]) == (str(at), 2)


async def test_sdk_over_an_event_stream_is_told_too(outage: Outage) -> None:
    """As a message of the server's, as on a socket."""
    await apublish(CHANNEL, 1)
    connect = json.dumps({"id": 1, "connect": {}}) + "\n" + json.dumps({"id": 2, "subscribe": {"channel": CHANNEL}})
    told: list[str] = []
    async with open_stream("GET", f"{outage.process.url}/ws/sse", params={"cf_connect": connect}) as lines:
        replies = [await lines.json() for _ in range(2)]
        outage.begin()
        for expected in (NOTICED_SECONDS, TAKEN_BACK_SECONDS):
            async with asyncio.timeout(expected):
                message = await lines.json()
            told.append(message["push"]["message"]["data"]["state"])
            outage.end()

    assert "subscribe" in replies[1]
    assert told == ["stale", "live"]


async def test_long_poll_says_stale_and_live_again(outage: Outage) -> None:
    """A poll that waits is answered with the news; the next ones have it too, until it is taken back."""
    at = await apublish(CHANNEL, 1)
    waiting = asyncio.create_task(outage.poll(at))
    await asyncio.sleep(0.5)
    outage.begin()
    async with asyncio.timeout(NOTICED_SECONDS):
        first = await waiting
    next_one = asyncio.create_task(outage.poll(at, state="stale"))  # it knows, and waits for what is new
    await asyncio.sleep(0.5)
    waits = not next_one.done()
    outage.end()
    async with asyncio.timeout(TAKEN_BACK_SECONDS):
        second = await next_one
    newer = await apublish(CHANNEL, 2)
    third = await asyncio.wait_for(outage.poll(at), SECONDS)

    nothing = {"publications": [], "epoch": at.epoch, "offset": at.offset, "recovered": True}
    assert first == {**nothing, "state": "stale"}
    assert waits
    assert second == {**nothing, "state": "live"}
    assert third["publications"] == [{"data": 2, "offset": newer.offset}]
    assert third["state"] == "live"


async def test_restart_that_loses_nothing_makes_no_poll_reload(tmp_path: Path) -> None:
    """Neither the poll that waits meanwhile nor the next: what Redis kept is all that there is."""
    options = ("--appendonly", "yes", "--appendfsync", "always")
    with RedisServer(tmp_path, *options) as redis, Realtime(redis.url, tmp_path, {}) as process:
        wait_until(process.is_ready, what="ready")
        outage = Outage(redis, process)
        with override_tandem(redis_urls=[redis.url], namespaces=NAMESPACES):
            since = await apublish(CHANNEL, 1)
            waiting = asyncio.create_task(outage.poll(since))
            await asyncio.sleep(0.5)
            redis.kill()
            redis.start()
            await publish_when_it_is_back(2)
            answers = [await waiting]
            while answers[-1]["recovered"] and not answers[-1]["publications"]:
                answers.append(await outage.poll(Position(answers[-1]["epoch"], answers[-1]["offset"])))

    assert all(answer["recovered"] for answer in answers), answers
    assert [publication["data"] for publication in answers[-1]["publications"]] == [2]


async def publish_when_it_is_back(data: int) -> None:
    """Publish as soon as Redis takes it."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(RedisUnavailable):
                await apublish(CHANNEL, data)
                return
            await asyncio.sleep(0.1)
