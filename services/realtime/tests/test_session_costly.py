"""Large histories: read once for many, one after the other, and counted against who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tandem import Position, apublish
from tandem.async_shards import AsyncShards
from tandem.streams import history
from tandem_realtime.hub import streams
from tandem_realtime.session import costly, pace
from tandem_realtime.session import session as session_module
from tandem_realtime.session.costly import CostlyReads
from tests.session_clients import FakeTransport


@pytest_asyncio.fixture
async def shards(redis_url: str) -> AsyncIterator[AsyncShards]:
    """A real Redis."""
    shards = AsyncShards([redis_url])
    yield shards
    await shards.close()


async def test_what_many_ask_for_at_once_is_read_once(shards: AsyncShards) -> None:
    """And another question is not answered by it."""
    reads = CostlyReads(shards)
    found = await asyncio.gather(*(reads.history("a", None, 10) for _ in range(20)), reads.history("a", None, 5))

    assert len({id(each) for each in found[:20]}) == 1
    assert found[20] is not found[0]
    assert await reads.history("a", None, 10) is not found[0]


@pytest.mark.parametrize("reverse", [False, True])
async def test_large_one_is_read_in_parts(
    client: FakeTransport, shards: AsyncShards, monkeypatch: pytest.MonkeyPatch, reverse: bool
) -> None:
    """What comes of it is the same, from anywhere and up to any limit."""
    monkeypatch.setattr(costly, "PART_BYTES", 3000)
    monkeypatch.setattr(streams, "PART_BYTES", 3000)
    first = await apublish("public:parts", 0)
    for number in range(1, 60):
        await apublish("public:parts", "x" * number * 10)
    reads = CostlyReads(shards)
    for since, limit in ((None, 100), (None, 30), (Position(first.epoch, 31), 50), (Position(first.epoch, 5), 3)):
        found = await reads.history("public:parts", since, limit, reverse=reverse)

        assert found == await asyncio.to_thread(history, "public:parts", since=since, limit=limit, reverse=reverse)


async def test_large_ones_wait_for_each_other(
    client: FakeTransport, shards: AsyncShards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel whose last answer was small is read at once, whatever others do."""
    monkeypatch.setattr(costly, "LARGE_BYTES", 1000)
    monkeypatch.setattr(costly, "PAUSES", 10**6)
    await apublish("public:large", "x" * 2000)
    reads = CostlyReads(shards)
    await reads.history("public:large", None, 10)
    await reads.history("public:large", None, 10)
    waiting = asyncio.create_task(reads.history("public:large", None, 10))
    await asyncio.wait_for(reads.history("a", None, 1), 20)
    await asyncio.sleep(0.05)

    assert reads.is_large("public:large")
    assert not waiting.done()
    waiting.cancel()


async def test_who_was_answered_at_length_has_to_wait(client: FakeTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked before it was known what the answers cost is refused for now, too."""
    monkeypatch.setattr(pace, "BYTES_PER_COMMAND", 655)
    monkeypatch.setattr(session_module, "BYTES_PER_COMMAND", 655)
    runtime = client.session.runtime
    runtime.options = replace(runtime.options, commands_per_second=0.001)  # so that none is allowed meanwhile
    await client.subscribe("public:a")
    for _ in range(5):
        await apublish("public:a", "x" * 9000)
    history = {"channel": "public:a", "limit": 5}
    replies = [await client.command(history=history) for _ in range(5)]

    assert ["error" in reply for reply in replies] == [False] * 4 + [True]
    assert replies[-1]["error"] == {"code": 111, "message": "too many requests", "temporary": True}
    assert "ping" in await client.command(ping={})
