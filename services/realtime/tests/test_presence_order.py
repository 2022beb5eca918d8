"""What a process tells of who comes and goes: in order, in time, and of nobody who only looks on."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from tandem.errors import RedisUnavailable
from tandem.scripts import Call
from tandem_realtime.runtime import Runtime
from tandem_realtime.session.following import follow
from tests.session_clients import FakeTransport, user


def counted(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, script: str) -> list[Call]:
    """Return the calls of *script* from now on."""
    run = runtime.shards.run
    calls: list[Call] = []

    async def counting(channel: str, call: Call) -> Any:
        if call.script.name == script:
            calls.append(call)
        return await run(channel, call)

    monkeypatch.setattr(runtime.shards, "run", counting)
    return calls


async def test_in_out_in_within_one_frame_is_in(runtime: Runtime, client: FakeTransport) -> None:
    """Also where the scripts are not known yet: what is told in one order arrives in it."""
    await runtime.shards.clients[0].execute("SCRIPT", "FLUSH")
    channel = {"channel": "room:frame"}
    frame = [{"id": 11, "subscribe": channel}, {"id": 12, "unsubscribe": channel}, {"id": 13, "subscribe": channel}]
    await client.session.receive("\n".join(json.dumps(command) for command in frame))
    async with asyncio.timeout(20):
        while not any(line.get("id") == 13 for line in client.lines):
            await asyncio.sleep(0.01)
    await runtime.presence._telling.finish(5)

    assert list(await runtime.presence.of("room:frame")) == [client.session.client]


async def test_crowd_that_comes_at_once_is_told_together(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most one call for the first, and one for all who came meanwhile."""
    crowd = [await user(runtime, str(number)) for number in range(20)]
    told = counted(runtime, monkeypatch, "presence_change")
    await asyncio.gather(*(each.subscribe("room:crowd") for each in crowd))
    await runtime.presence._telling.finish(5)

    assert set(await runtime.presence.of("room:crowd")) == {each.session.client for each in crowd}
    assert len(told) <= 2


async def test_channels_of_a_token_hear_who_comes_and_goes(runtime: Runtime) -> None:
    """As those do that the client asked for."""
    ada = await user(runtime, "1", channels=["room:token"])
    bob = await user(runtime, "2")
    await bob.subscribe("room:token")
    await ada.until(2)
    await bob.command(unsubscribe={"channel": "room:token"})
    await ada.until(3)

    assert [next(iter(set(push) - {"channel"})) for push in ada.pushes] == ["join", "join", "leave"]


async def test_page_of_nobody_in_particular_is_not_announced(runtime: Runtime, client: FakeTransport) -> None:
    """The admin's tap looks on; it is nobody's presence."""
    await client.subscribe("room:tapped")
    await client.until(1)
    tap = FakeTransport(runtime, is_plain=True)
    await follow(tap.session, {"room:tapped": None})
    await runtime.presence._telling.finish(5)

    assert list(await runtime.presence.of("room:tapped")) == [client.session.client]


async def test_thousands_of_channels_are_kept_in_time(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 in a fraction of what one call after the other takes: 30,000 are kept well within their lifetime."""
    for n in range(3000):
        runtime.presence._here[f"room:{n}"] = {"c": b'{"user":"1","client":"c"}'}
    monkeypatch.setattr("tandem_realtime.presence.random.uniform", lambda a, b: 0.0)
    started = time.monotonic()
    task = asyncio.create_task(runtime.presence._every(0.001, runtime.presence._keep_calls))
    async with asyncio.timeout(30):
        while not await runtime.presence.of("room:2999"):
            await asyncio.sleep(0.02)
    task.cancel()
    runtime.presence._here.clear()

    assert time.monotonic() - started < 8  # a machine four times as slow


async def test_who_asks_meanwhile_shares_the_next_answer(
    runtime: Runtime, client: FakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crowd that asks who is there costs two reads, and nobody's answer is older than the question."""
    reads = counted(runtime, monkeypatch, "presence_read")
    first = asyncio.create_task(runtime.presence.of("room:crowd"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it is being read
    await client.subscribe("room:crowd")
    await runtime.presence._telling.finish(5)
    crowd = await asyncio.gather(*(runtime.presence.of("room:crowd") for _ in range(200)))

    assert await first == {}
    assert {tuple(found) for found in crowd} == {(client.session.client,)}
    assert len(reads) == 2
    assert runtime.presence._asked == runtime.presence._reading == {}


async def test_next_reader_asks_though_the_one_before_failed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one read failed of is not what the next is told."""
    run, errors = runtime.shards.run, [RedisUnavailable("away")]

    async def failing(channel: str, call: Call) -> Any:
        if channel == "room:failing" and errors:
            await asyncio.sleep(0.05)
            raise errors.pop()
        return await run(channel, call)

    monkeypatch.setattr(runtime.shards, "run", failing)
    first = asyncio.create_task(runtime.presence.of("room:failing"))
    await asyncio.sleep(0.01)
    second = asyncio.create_task(runtime.presence.of("room:failing"))

    with pytest.raises(RedisUnavailable):
        await first
    assert await second == {}
