"""A connection to the channel layer that is lost and restored is one, whoever listens to it."""

from __future__ import annotations

import asyncio

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
    assert [record.getMessage() for record in caplog.records if record.getMessage().startswith("layer.")] == [
        "layer.lost",
        "layer.restored",
    ]


def test_subscription_that_was_confirmed_late_is_no_reconnect() -> None:
    """Nothing was lost before."""
    before = metrics.counts.layer_reconnects
    Reconnects()("restored", ["group"])

    assert metrics.counts.layer_reconnects == before
