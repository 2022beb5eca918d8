"""A loop that is held up shows in the histogram."""

import asyncio
import time

from tandem_realtime.observing import metrics
from tandem_realtime.observing.lag import LagProbe


async def test_a_blocked_loop_is_seen() -> None:
    """A call that holds the loop for 50 ms is told as at least one timer that ran 25 ms late or more."""
    before = metrics.event_loop_lag_seconds.cumulated()
    probe = LagProbe(asyncio.get_running_loop(), interval=0.01)

    time.sleep(0.06)  # noqa: ASYNC251 - the fault that is to be seen
    await asyncio.sleep(0.02)
    probe.stop()

    after = metrics.event_loop_lag_seconds.cumulated()
    late = {bound: later - sooner for (bound, later), (_, sooner) in zip(after, before, strict=True)}
    assert late["+Inf"] - late["0.025"] >= 1


async def test_a_stopped_probe_observes_nothing() -> None:
    """After `stop` no timer is left in the loop."""
    probe = LagProbe(asyncio.get_running_loop(), interval=0.001)
    probe.stop()
    before = metrics.event_loop_lag_seconds.count

    await asyncio.sleep(0.01)

    assert metrics.event_loop_lag_seconds.count == before
