"""A connection to the channel layer that is lost and restored is one, whoever listens to it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

from tandem_realtime.observing import metrics
from tandem_realtime.observing.reconnects import Reconnects
from tandem_realtime.runtime import Runtime


async def test_one_lost_connection_is_counted_once(
    runtime: Runtime, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The hub and control listen to the same one."""
    before = metrics.counts.layer_reconnects
    async with asyncio.timeout(20):
        while not runtime.control.is_ready:
            await asyncio.sleep(0.01)
        with redis.Redis.from_url(redis_url) as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        while metrics.counts.layer_reconnects == before:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)

    assert metrics.counts.layer_reconnects == before + 1
    assert [record.getMessage() for record in told(caplog)] == ["layer.lost", "layer.restored"]


async def test_outage_of_many_connections_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """Every shard, or every bucket of a cluster, is lost at the same time: one line, and one when they are back."""
    before = metrics.counts.layer_reconnects
    reconnects = Reconnects()
    for event in ("lost", "restored"):
        for number in range(64):
            reconnects(event, [f"group-{number}"])
        await until_told(caplog, event)

    assert [(record.getMessage(), record.parts, record.groups) for record in told(caplog)] == [
        ("layer.lost", 64, 64),
        ("layer.restored", 64, 64),
    ]
    assert metrics.counts.layer_reconnects == before + 1


async def test_what_is_lost_again_is_told_last(caplog: pytest.LogCaptureFixture) -> None:
    """The last line says how it is."""
    reconnects = Reconnects()
    for event in ("lost", "restored", "lost"):
        reconnects(event, ["group"])
    await until_told(caplog, "lost")

    assert [record.getMessage() for record in told(caplog)] == ["layer.restored", "layer.lost"]


async def test_subscription_that_was_confirmed_late_is_no_reconnect(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing was lost before."""
    before = metrics.counts.layer_reconnects
    Reconnects()("restored", ["group"])
    await until_told(caplog, "restored")

    assert metrics.counts.layer_reconnects == before


def told(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """Return the lines about the layer."""
    return [record for record in caplog.records if record.getMessage().startswith("layer.")]


async def until_told(caplog: pytest.LogCaptureFixture, event: str) -> None:
    """Wait for the line about *event*."""
    async with asyncio.timeout(20):
        while f"layer.{event}" not in [record.getMessage() for record in told(caplog)]:
            await asyncio.sleep(0.01)
