"""From a demand and coefficients to pods, cores, bytes, shards and seconds. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf

from .coefficients import Coefficients

MOST_PODS = 10_000


@dataclass(frozen=True)
class Demand:
    """
    What is asked of an installation. Raises `ValueError` for what makes no sense.

    *publications* a second, each heard by *subscribers* connections; the share *own* of the connections has a channel
    of its own, the share *presence* is present in one; one stays for *minutes*.
    """

    connections: int
    publications: float
    subscribers: float = 1.0
    own: float = 1.0
    presence: float = 0.0
    minutes: float = 30.0
    load: float = 0.6
    pod_connections: int = 15_000
    drain_seconds: float = 30.0
    ready_seconds: float = 5.0
    at_once: int = 1

    def __post_init__(self) -> None:
        for name, is_right, expected in (
            ("connections", self.connections >= 1, "at least 1"),
            ("publications", 0 <= self.publications < inf, "0 or more a second"),
            ("subscribers", 0 <= self.subscribers <= self.connections, f"0 to {self.connections} connections"),
            ("own", 0 <= self.own <= 1, "a share from 0 to 1"),
            ("presence", 0 <= self.presence <= self.own, f"a share from 0 to {self.own:g}, those with a channel"),
            ("minutes", self.minutes > 0, "more than 0"),
            ("load", 0 < self.load < 1, "a share above 0 and below 1"),
            ("pod_connections", self.pod_connections >= 1, "at least 1"),
            ("drain_seconds", 0 <= self.drain_seconds < inf, "0 or more"),
            ("ready_seconds", 0 <= self.ready_seconds < inf, "0 or more"),
            ("at_once", self.at_once >= 1, "at least 1"),
        ):
            if not is_right:
                option = name.replace("_", "-")
                raise ValueError(f"--{option} {getattr(self, name):g}: expected {expected}")

    @property
    def joins(self) -> float:
        """Return how many come (and as many go) in a second."""
        return self.connections / self.minutes / 60

    @property
    def deliveries(self) -> float:
        """Return how many there are in a second."""
        return self.publications * self.subscribers

    def hearing(self, pods: int) -> float:
        """Return how many of *pods* hear a publication: those where one of its subscribers happens to be."""
        return float(pods * (1 - (1 - 1 / pods) ** self.subscribers))


@dataclass(frozen=True)
class Plan:
    """What a demand takes. Cores are those that are busy, before any reserve."""

    pods: int
    cores: float
    bytes_of_a_pod: float
    kernel_bytes_of_a_pod: float
    redis_cores: float
    redis_shards: int
    redis_bytes: float
    storm_seconds: float
    deploy_seconds: float
    deploy_returns: float
    deploy_load: float


def plan(demand: Demand, cost: Coefficients) -> Plan:
    """Return what *demand* takes, a core for each pod. Raises `ValueError` if no number of pods is enough."""
    pods = _pods(demand, cost)
    cores = realtime_cpu_us(demand, cost, pods) / 1e6
    redis = redis_cpu_us(demand, cost, pods) / 1e6
    shards = max(1, ceil(redis / (demand.load - cost.redis_cpu_us / 1e6)))
    each = demand.connections / pods
    back = return_cpu_us(demand, cost)
    turn = cost.start_seconds + demand.ready_seconds
    turns = ceil(pods / demand.at_once)
    # Kubernetes starts the next pod while the last one drains: so many drain at any time.
    draining = min(pods, demand.at_once * max(1.0, demand.drain_seconds / turn))
    returns = draining * each / max(demand.drain_seconds, 1.0)
    return Plan(
        pods=pods,
        cores=cores,
        bytes_of_a_pod=process_bytes(demand, cost) / pods + cost.process_bytes,
        kernel_bytes_of_a_pod=each * cost.kernel_bytes,
        redis_cores=redis + shards * cost.redis_cpu_us / 1e6,
        redis_shards=shards,
        redis_bytes=redis_bytes(demand, cost),
        storm_seconds=demand.connections * max(back / pods, _redis_joining_cpu_us(demand, cost) / shards) / 1e6,
        deploy_seconds=turns * turn + demand.drain_seconds,
        deploy_returns=returns,
        deploy_load=(cores + returns * back / 1e6) / pods,
    )


def realtime_cpu_us(demand: Demand, cost: Coefficients, pods: int) -> float:
    """Return what all *pods* together spend in a second."""
    standing = cost.connection_cpu_us + demand.own * cost.channel_cpu_us + demand.presence * cost.presence_cpu_us
    return (
        pods * cost.process_cpu_us
        + demand.connections * standing
        + demand.joins * joining_cpu_us(demand, cost)
        + demand.publications * demand.hearing(pods) * cost.publication_cpu_us
        + demand.deliveries * cost.delivery_cpu_us
    )


def joining_cpu_us(demand: Demand, cost: Coefficients) -> float:
    """Return what one connection costs that comes and goes."""
    first = cost.join_cpu_us + cost.leave_cpu_us
    return first + demand.own * cost.channel_join_cpu_us + demand.presence * cost.presence_join_cpu_us


def return_cpu_us(demand: Demand, cost: Coefficients) -> float:
    """Return what one connection costs that comes back from where it stood."""
    # The channel's cost is of joining and leaving: who is thrown out leaves, too.
    return cost.return_cpu_us + demand.own * cost.channel_join_cpu_us + demand.presence * cost.presence_join_cpu_us


def process_bytes(demand: Demand, cost: Coefficients) -> float:
    """Return what the connections take in all processes, beside what each begins with."""
    return demand.connections * (cost.connection_bytes + demand.own * cost.channel_bytes)


def redis_cpu_us(demand: Demand, cost: Coefficients, pods: int) -> float:
    """Return what all Redis together spend in a second, beside what each spends with nothing to do."""
    standing = demand.own * cost.redis_channel_cpu_us + demand.presence * cost.redis_presence_cpu_us
    further = max(0.0, demand.hearing(pods) - 1)
    publication = cost.redis_publication_cpu_us + further * cost.redis_push_cpu_us
    return (
        demand.connections * standing
        + demand.joins * _redis_joining_cpu_us(demand, cost)
        + demand.publications * publication
    )


def redis_bytes(demand: Demand, cost: Coefficients) -> float:
    """Return what subscriptions and presence take in all Redis; what streams keep is not in it."""
    each = demand.own * cost.redis_channel_bytes + demand.presence * cost.redis_presence_bytes
    return demand.connections * each


def _redis_joining_cpu_us(demand: Demand, cost: Coefficients) -> float:
    return demand.own * cost.redis_channel_join_cpu_us + demand.presence * cost.redis_presence_join_cpu_us


def _pods(demand: Demand, cost: Coefficients) -> int:
    """Return the fewest pods that are no busier than `load` and no fuller than `pod_connections`."""
    pods = ceil(demand.connections / demand.pod_connections)
    while (wanted := ceil(realtime_cpu_us(demand, cost, pods) / 1e6 / demand.load)) > pods:
        if wanted > MOST_PODS:
            raise ValueError(
                f"--publications {demand.publications:g} to {demand.subscribers:g} subscribers each:"
                f" that takes more than {MOST_PODS} pods, each of which hears most of them"
            )
        pods = wanted
    return pods
