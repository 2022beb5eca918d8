"""The server says when it is not sure: while Redis cannot be reached, and when it was read again."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from rig.servers import RedisServer
from tandem import apublish
from tandem.errors import RedisUnavailable
from tandem_realtime.runtime import Runtime
from tandem_realtime.session.following import follow
from tests.session_clients import FakeTransport, running, user

STALE = {"message": {"data": {"type": "tandem.state", "state": "stale"}}}
LIVE = {"message": {"data": {"type": "tandem.state", "state": "live"}}}


async def page(runtime: Runtime) -> FakeTransport:
    """A one-way page that wants to know."""
    page = FakeTransport(runtime, is_plain=True)
    page.session.hear_states(lambda state: json.dumps({"state": state}).encode() + b"\n")
    await follow(page.session, {"public:a": None})
    return page


async def until(clients: list[FakeTransport], wanted: list[object], seconds: float) -> None:
    """Wait until the last thing that each client was told is what is wanted of it."""
    async with asyncio.timeout(seconds):
        while [client.lines[-1] if client.lines else None for client in clients] != wanted:
            await asyncio.sleep(0.02)


async def test_everyone_is_told_and_nobody_closed(tmp_path: Path) -> None:
    """Soon after a Redis that hangs, and soon after its return, when what was missed is there."""
    with RedisServer(tmp_path) as redis:
        async with running(redis.url) as runtime:
            client, other, member = (
                FakeTransport(runtime),
                FakeTransport(runtime),
                await user(runtime, channels=["live:x"]),
            )
            for each in (client, other):
                await each.connect()
            await client.subscribe("public:a")
            one_way = await page(runtime)
            redis.signal(signal.SIGSTOP)
            await until([client, one_way, member], [{"push": STALE}, {"state": "stale"}, {"push": STALE}], 20)
            late = await client.command(subscribe={"channel": "public:new"})
            took = time.monotonic()
            refused = await other.command(subscribe={"channel": "public:newer"})
            took = time.monotonic() - took
            redis.signal(signal.SIGCONT)
            await until([client, one_way, member], [{"push": LIVE}, {"state": "live"}, {"push": LIVE}], 20)
            await apublish("public:a", 1)
            await client.until(3)

            assert late["error"]["temporary"]
            assert refused["error"]["temporary"]
            assert took < 0.8
            assert [each.closed for each in (client, other, member, one_way)] == [None] * 4
            assert {"push": STALE} not in other.lines
            assert client.pushes[-1]["pub"]["data"] == 1


async def test_who_comes_while_it_is_in_doubt_is_told(runtime: Runtime, client: FakeTransport) -> None:
    """Right after the answer, which memory could give; and it is live again when it leaves that channel."""
    await client.subscribe("public:a")
    channel = runtime.hub.channels["public:a"]
    runtime.hub._certainty.lost([channel])
    late = FakeTransport(runtime)
    await late.connect()
    await late.subscribe("public:a")
    await asyncio.sleep(0)
    before = list(late.pushes)
    await late.command(unsubscribe={"channel": "public:a"})

    assert before == [STALE]
    assert late.pushes == [STALE, LIVE]


async def test_a_check_does_not_vouch_for_what_cannot_be_heard(runtime: Runtime, client: FakeTransport) -> None:
    """Commands get through, the subscription is not back: what comes next would be missed."""
    await client.subscribe("public:a")
    channels = list(runtime.hub.channels.values())
    runtime.hub._certainty.lost(channels)
    await runtime.hub._repairs.check(channels)
    before = list(client.pushes)
    runtime.hub._certainty.restored(channels)
    await runtime.hub._repairs.check(channels)

    assert (before, client.pushes) == ([STALE], [STALE, LIVE])


async def test_known_outage_is_refused_at_once(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits a second to learn what is known."""
    [redis] = runtime.shards.clients
    assert redis._link is not None
    monkeypatch.setattr(redis._link, "failure", RedisUnavailable("away"))
    client = FakeTransport(runtime)
    await client.connect()
    began = time.monotonic()
    reply = await client.command(subscribe={"channel": "public:never"})

    assert reply["error"]["code"] == 100
    assert time.monotonic() - began < 0.8
