"""What the benchmark asks of each contender, and what Tandem has to reach. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from .load import Load

SIZES = (100, 1_000, 10_000)
IDLE_SIZES = (5_000, 10_000, 18_000, 50_000)
"""As many of them as the limit of open files bears."""
PERSONAL_SIZES = (1_000, 5_000, 10_000)
_REDIS_PY = "tandem-redis-py"  # the same hub over channels-redis's own pub/sub layer
_STOCK_DELIVERIES_PER_SECOND = 1_000  # more, and stock Channels only queues
_DELIVERIES_PER_SECOND = 10_000


STOCK = ("stock", "stock-uvicorn")
PEERS = ("centrifugo", "ws", "socketio")
DIALECTS = {"tandem-protobuf": "protobuf", "tandem-mixed": "mixed"}
"""The same server with clients that speak Protobuf, and with half of them."""


TWO = "tandem-two"
PROCESSES = {"tandem": 1, TWO: 2}
"""The same server as one process, and as two that share its clients."""


@dataclass(frozen=True)
class Workload:
    """
    A load for each contender that takes part; the rates differ where one cannot bear the other's.

    *kind* says how they are visited: a fan-out is one load, others go through several *sizes*.
    """

    name: str
    loads: dict[str, Load]
    recover: bool = False
    sizes: tuple[int, ...] = ()
    kind: str = "fanout"


@dataclass(frozen=True)
class Limit:
    """
    A ratio (or a value, without *over*) of two contenders' medians in one workload, and its bound.

    What it is over was measured in the workload *beside*, if that is another.
    """

    text: str
    workload: str
    metric: str
    contender: str
    bound: float
    over: str = ""
    at_least: bool = False
    beside: str = ""

    def holds(self, value: float) -> bool:
        """Tell whether *value* is within the bound."""
        return value >= self.bound if self.at_least else value <= self.bound


def fanout(clients: int, *, seconds: float) -> Workload:
    """Return one publication to all of *clients*, the rate so that no fan-out meets the next."""

    def load(deliveries: int) -> Load:
        rate = deliveries / clients
        return Load(clients, rate, max(3, round(rate * seconds)))

    slow, fast = load(_STOCK_DELIVERIES_PER_SECOND), load(_DELIVERIES_PER_SECOND)
    return Workload(f"fanout-{clients}", _loads(("floor", "tandem", *PEERS), fast, STOCK, slow), recover=True)


def equal(clients: int, *, seconds: float) -> Workload:
    """Return the same for everybody: the fan-out at the rate that stock Channels bears."""
    load = fanout(clients, seconds=seconds).loads["stock"]
    return Workload(f"equal-{clients}", dict.fromkeys(("floor", "tandem", *PEERS, *STOCK), load))


def _loads(many: tuple[str, ...], fast: Load, few: tuple[str, ...], slow: Load) -> dict[str, Load]:
    return dict.fromkeys(many, fast) | dict.fromkeys(few, slow)


def dialects(clients: int, *, seconds: float) -> Workload:
    """Return one publication to all of *clients*, which speak JSON, Protobuf, or half of them each."""
    load = fanout(clients, seconds=seconds).loads["tandem"]
    return Workload(f"dialects-{clients}", dict.fromkeys(("tandem", *DIALECTS), load), recover=True)


def latency(*, seconds: float) -> Workload:
    """Return ten publications a second to 2,000 sockets."""
    load = Load(2_000, 10.0, round(10 * seconds))
    return Workload("latency-2000", dict.fromkeys(("floor", "tandem", *PEERS), load))


def channels(*, seconds: float) -> Workload:
    """Return a publication to one subscriber each, over 200 channels."""
    load, slow = (Load(200, rate, round(rate * seconds), channels=200) for rate in (2_000.0, 500.0))
    return Workload("channels-200", _loads(("tandem", _REDIS_PY, *PEERS), load, STOCK, slow))


def saturation() -> Workload:
    """
    Return a backlog over 200 channels, large enough that working it off takes about a second.

    What counts is publications per second of the server's core: with everything else on one other core, Redis and
    the generator may be what a clock on the wall would measure.
    """

    def load(count: int) -> Load:
        return Load(200, 20_000.0, count, channels=200, backlog=True)

    return Workload("saturation-200", {"tandem": load(40_000), _REDIS_PY: load(20_000), "stock": load(6_000)})


def idle(sizes: tuple[int, ...]) -> Workload:
    """Return connections that do nothing but answer pings, as many as *sizes* says one after the other."""
    return Workload("idle", dict.fromkeys(("tandem", "centrifugo"), Load(max(sizes), 0.0, 0)), sizes=sizes, kind="idle")


def personal(sizes: tuple[int, ...]) -> Workload:
    """Return users with a channel and a presence each, who come and go together, as many as *sizes* says."""
    return Workload("personal", {"tandem": Load(max(sizes), 0.0, 0, max(sizes))}, sizes=sizes, kind="personal")


def shared(clients: int, *, seconds: float) -> Workload:
    """Return one publication to all of *clients*, who are at one process or at two."""
    load = fanout(clients, seconds=seconds).loads["tandem"]
    return Workload(f"shared-{clients}", dict.fromkeys(PROCESSES, load), kind="shared")


def all_workloads(sizes: tuple[int, ...], idle_sizes: tuple[int, ...], *, seconds: float) -> list[Workload]:
    """Return everything, in the order of a run."""
    fanouts = [fanout(clients, seconds=seconds) for clients in sizes]
    return [
        *fanouts,
        equal(1_000, seconds=seconds),
        dialects(1_000, seconds=seconds),
        latency(seconds=seconds),
        channels(seconds=seconds),
        saturation(),
        shared(1_000, seconds=seconds),
        idle(idle_sizes),
        personal(PERSONAL_SIZES),
    ]


LINEAR = 1.25
"""What is done for the last of 10,000 costs so many times what is done for the last of 1,000, at most."""
LIMITS = (
    Limit("CPU per delivery, of the floor's", "fanout-1000", "delivery_cpu_us", "tandem", 1.3, over="floor"),
    Limit("stock's CPU per delivery, of Tandem's", "fanout-1000", "delivery_cpu_us", "stock", 30, "tandem", True),
    Limit(
        "CPU per publication, of redis-py's layer",
        "channels-200",
        "publication_cpu_us",
        "tandem",
        0.5,
        _REDIS_PY,
    ),
    Limit("saturation, of redis-py's layer", "saturation-200", "publications_per_core_s", "tandem", 4, _REDIS_PY, True),
    Limit("connect + subscribe + recover, CPU us", "fanout-1000", "recover_cpu_us", "tandem", 900),
    Limit(
        "Protobuf: CPU per delivery, of JSON's", "dialects-1000", "delivery_cpu_us", "tandem-protobuf", 1.1, "tandem"
    ),
    Limit(
        "half of each: CPU per delivery, of JSON's", "dialects-1000", "delivery_cpu_us", "tandem-mixed", 1.1, "tandem"
    ),
    Limit("RSS of an idle connection, bytes", "fanout-1000", "rss_bytes", "tandem", 27_000),
    Limit("idle connection: CPU, us a second", "idle-slope", "idle_cpu_us", "tandem", 1.8),
    Limit("idle connection: memory with the kernel's share, bytes", "idle-slope", "held_bytes", "tandem", 11_000),
    Limit("idle connection of 5,000: memory of the process, bytes", "idle-5000", "rss_bytes", "tandem", 7_500),
    Limit("p99 at 2,000 sockets x 10/s, ms", "latency-2000", "p99_ms", "tandem", 60),
    Limit("two processes: CPU per delivery, of one's", "shared-1000", "delivery_cpu_us", TWO, 1.1, "tandem"),
    *(
        Limit(
            f"personal channels, 10,000 beside 1,000: CPU of a {what}",
            "personal-10000",
            metric,
            "tandem",
            LINEAR,
            "tandem",
            beside="personal-1000",
        )
        for what, metric in (
            ("join", "join_cpu_us"),
            ("leave", "leave_cpu_us"),
            ("second of presence", "presence_cpu_us"),
        )
    ),
    # Where Centrifugo takes part.
    Limit("connect + subscribe: CPU, of Centrifugo's", "fanout-1000", "connect_cpu_us", "tandem", 0.9, "centrifugo"),
    Limit("coming back: CPU, of Centrifugo's", "fanout-1000", "recover_cpu_us", "tandem", 0.9, "centrifugo"),
    Limit("CPU per publication, of Centrifugo's", "channels-200", "publication_cpu_us", "tandem", 0.7, "centrifugo"),
)
