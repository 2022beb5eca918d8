"""The calculator's arithmetic, with coefficients that can be reckoned in the head."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from loadgen.bench.plan.comparing import compared
from loadgen.plan import arithmetic
from loadgen.plan.arithmetic import Demand, plan
from loadgen.plan.coefficients import Coefficients

NOTHING = Coefficients(**dict.fromkeys([field.name for field in fields(Coefficients)], 0.0))


def test_pods_by_connections() -> None:
    """What costs nothing needs as many pods as the connections fill."""
    assert plan(Demand(100_001, 10, pod_connections=10_000), NOTHING).pods == 11


def test_pods_by_cores() -> None:
    """A million deliveries a second of 3 us are 3 cores: 6 pods, none busier than half."""
    demand = Demand(10_000, 1_000, subscribers=1_000, own=0, load=0.5, minutes=1e9)
    found = plan(demand, replace(NOTHING, delivery_cpu_us=3.0))

    assert (found.pods, round(found.cores, 6)) == (6, 3.0)


def test_every_pod_hears_what_all_listen_to() -> None:
    """One subscriber makes one pod hear; 10,000 over four pods make all four."""
    assert Demand(10_000, 1).hearing(4) == pytest.approx(1.0)
    assert Demand(10_000, 1, subscribers=10_000).hearing(4) == pytest.approx(4.0)


def test_memory() -> None:
    """Each pod has its own beginning, and its share of connections; half of them have a channel."""
    cost = replace(NOTHING, process_bytes=1e8, connection_bytes=8_000, channel_bytes=4_000, kernel_bytes=5_000)
    found = plan(Demand(20_000, 0, own=0.5, pod_connections=10_000), cost)

    assert (found.bytes_of_a_pod, found.kernel_bytes_of_a_pod) == (2e8, 5e7)


def test_redis() -> None:
    """1,000 publications a second of 100 us, and 9 more pods that hear each for 10 us: 0.19 cores, in one shard."""
    cost = replace(NOTHING, redis_publication_cpu_us=100, redis_push_cpu_us=10, redis_channel_bytes=500)
    found = plan(Demand(100_000, 1_000, subscribers=50_000, pod_connections=10_000), cost)

    assert (round(found.redis_cores, 6), found.redis_shards, found.redis_bytes) == (0.19, 1, 5e7)


def test_shards() -> None:
    """A Redis is no busier than `load`."""
    assert plan(Demand(1, 10_000, load=0.5), replace(NOTHING, redis_publication_cpu_us=110)).redis_shards == 3


def test_all_back_at_once() -> None:
    """10,000 on one pod at 300 us take 3 s; if Redis needs longer for their channels, so long."""
    demand = Demand(10_000, 0)

    assert plan(demand, replace(NOTHING, return_cpu_us=300)).storm_seconds == 3.0
    cost = replace(NOTHING, return_cpu_us=300, redis_channel_join_cpu_us=400)
    assert plan(demand, cost).storm_seconds == pytest.approx(4.0)


def test_a_deploy() -> None:
    """
    Ten pods, two at a time, each ready after 2 + 4 s, then the last drains for 30.

    Ten drain at any time, then: all there are. Their 10,000 connections come back over 30 s.
    """
    demand = Demand(10_000, 0, pod_connections=1_000, ready_seconds=4, at_once=2, minutes=1e9)
    found = plan(demand, replace(NOTHING, start_seconds=2, return_cpu_us=300))

    assert (found.pods, found.deploy_seconds) == (10, 5 * 6 + 30)
    assert found.deploy_returns == pytest.approx(10_000 / 30)
    assert found.deploy_load == pytest.approx(10_000 / 30 * 300e-6 / 10)


def test_who_comes_and_goes() -> None:
    """6,000 that stay ten minutes are ten a second; each pays for joining, leaving and its channel."""
    cost = replace(NOTHING, join_cpu_us=200, leave_cpu_us=50, channel_join_cpu_us=100)
    demand = Demand(6_000, 0, minutes=10)

    assert demand.joins == 10
    assert arithmetic.realtime_cpu_us(demand, cost, 1) == 10 * 350


def test_a_prediction_beside_a_measurement() -> None:
    """It passes within the tolerance, above and below, and says by how much it is off."""
    assert str(compared("seconds", 12.0, 10.0, 0.25)) == "PASS  seconds: 12, +20% (predicted 10, within 25%)"
    assert str(compared("seconds", 7.0, 10.0, 0.25)) == "FAIL  seconds: 7, -30% (predicted 10, within 25%)"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"connections": 0}, "--connections 0: expected at least 1"),
        ({"publications": -1.0}, "--publications -1: expected 0 or more a second"),
        ({"publications": float("nan")}, "--publications nan: expected 0 or more a second"),
        ({"publications": float("inf")}, "--publications inf: expected 0 or more a second"),
        ({"subscribers": 101.0}, "--subscribers 101: expected 0 to 100 connections"),
        ({"own": 1.1}, "--own 1.1: expected a share from 0 to 1"),
        ({"own": 0.2, "presence": 0.3}, "--presence 0.3: expected a share from 0 to 0.2, those with a channel"),
        ({"minutes": 0.0}, "--minutes 0: expected more than 0"),
        ({"load": 1.0}, "--load 1: expected a share above 0 and below 1"),
        ({"pod_connections": 0}, "--pod-connections 0: expected at least 1"),
        ({"drain_seconds": -1.0}, "--drain-seconds -1: expected 0 or more"),
        ({"ready_seconds": -1.0}, "--ready-seconds -1: expected 0 or more"),
        ({"at_once": 0}, "--at-once 0: expected at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], message: str) -> None:
    """With the option, what came and what was expected."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the whole text is compared
        Demand(**{"connections": 100, "publications": 1.0, **values})

    assert str(refused.value) == message


def test_what_no_number_of_pods_bears_is_refused() -> None:
    """Where every pod hears more than it has time for, another pod is no help."""
    demand = Demand(10**6, 10_000, subscribers=10**6)

    with pytest.raises(ValueError, match=r"^--publications 10000 to 1e\+06 subscribers each: that takes more than"):
        plan(demand, replace(NOTHING, publication_cpu_us=100))
