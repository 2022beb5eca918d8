"""
What the realtime service counts: everything that happens between the channel layer and the sockets.

For the code that is measured, in the event loop's thread only (nothing here takes a lock)::

    from realtime import metrics

    metrics.counts.publications_received += 1             # plain integers
    metrics.counts.publications_delivered += len(sockets)  # once per publication, never once per socket
    metrics.closed[3008] += 1                             # plain dictionaries; the key is the label
    metrics.opened["websocket", "/ws/"] += 1
    metrics.recoveries["recovered"] += 1
    metrics.commands["subscribe", "ok"] += 1              # outcome: "ok", or the error's or disconnect's code
    metrics.fanout_seconds.observe(0.0012)
    metrics.delivery_seconds["commit_to_send"].observe(0.004)
    metrics.observe_server(server)                        # once, at start: see `ObservedServer`
    metrics.observe_hub(hub)                              # once, at start: see `ObservedHub`

Gauges are never kept: they are counted from live objects when Prometheus asks. A gauge that is decremented when
a connection ends drifts with the first exception on the way.

Labels are bounded here and not at the places that count: what is not in the lists below is told as "other".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from realtime.histogram import Histogram

TRANSPORTS = ("websocket", "http_stream", "sse", "poll")
ENDPOINTS = ("/ws/", "/ws/uni/", "/ws/http_stream", "/ws/sse", "/ws/sse/", "/ws/poll/", "custom")
METHODS = (
    *("connect", "subscribe", "unsubscribe", "publish", "presence", "presence_stats", "history", "rpc", "send"),
    *("refresh", "sub_refresh", "ping", "pong", "emulation"),
)
CLOSE_CODES = (
    *(1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012),
    *(3000, 3001, 3004, 3005, 3006, 3008, 3010, 3011, 3012, 3013),
    *(3500, 3501, 3502, 3503, 3504, 3505, 3507),
)
ERROR_CODES = tuple(range(100, 113))
REJECTIONS = ("capacity", "rate", "origin", "draining", "path", "bad_request", "auth")
OUTCOMES = {
    "recoveries": ("recovered", "unrecovered"),
    "position_checks": ("ok", "behind", "reset", "error"),
    "client_reports": ("accepted", "dropped"),
}
FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
AGES = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0)
STAGES = ("commit_to_send", "commit_to_client")

K = TypeVar("K", int, str)


class ObservedConnection(Protocol):
    """One open connection, as far as the gauges need it."""

    transport_name: str  # one of TRANSPORTS
    path: str  # the request's path; told as one of ENDPOINTS
    buffered: int  # bytes waiting in user space


class ObservedServer(Protocol):
    """An interface server: its live connections, and whether it is on its way out."""

    is_draining: bool

    @property
    def connections(self) -> Iterable[ObservedConnection]: ...


class ObservedHub(Protocol):
    """A hub: how many subscriptions it serves, and over how many channels."""

    @property
    def subscription_count(self) -> int: ...

    @property
    def channel_count(self) -> int: ...


@dataclass(slots=True)
class Counts:
    """Counters without labels. The name on the wire is `tandem_<field>_total`."""

    publications_received: int = 0
    publications_delivered: int = 0
    bytes_sent: int = 0
    slow_disconnects: int = 0
    gaps_repaired: int = 0
    layer_reconnects: int = 0


HELP = {
    "connections": "Connections open now.",
    "connections_opened": "Connections accepted since the process started.",
    "connections_closed": "Connections ended, by close code.",
    "connections_rejected": "Connections refused before they were accepted, by reason.",
    "connection_age_seconds": "Age of connections when they ended.",
    "subscriptions": "Subscriptions of open connections to channels.",
    "channels": "Channels with at least one subscriber in this process.",
    "publications_received": "Publications that reached this process from the channel layer.",
    "publications_delivered": "Publications written to connections; one for each connection.",
    "bytes_sent": "Bytes written to connections.",
    "fanout_seconds": "Time to write one publication to every subscriber in this process.",
    "delivery_seconds": "Age of a publication when it was sent, and when sampled clients say that it arrived.",
    "send_buffer_bytes": "Bytes that wait in this process because clients read slowly.",
    "slow_disconnects": "Connections ended because their send buffer was full.",
    "recoveries": "Subscriptions that came back with a position, by outcome.",
    "gaps_repaired": "Gaps in a channel that were filled from its stream.",
    "position_checks": "Comparisons of a channel's position with its stream, by outcome.",
    "layer_reconnects": "Connections to the channel layer that were lost and restored.",
    "draining": "1 while the process closes its connections before it stops.",
    "event_loop_lag_seconds": "How late the event loop ran a timer.",
    "canary_age_seconds": "Seconds since the process last received its own canary publication.",
    "client_reports": "Delivery reports from sampled clients, by outcome.",
    "commands": "Commands from clients, by outcome: ok, or the code of the error or disconnect.",
}

counts = Counts()
opened: Counter[tuple[str, str]] = Counter()
closed: Counter[int] = Counter()
rejected: Counter[str] = Counter()
recoveries: Counter[str] = Counter()
position_checks: Counter[str] = Counter()
client_reports: Counter[str] = Counter()
commands: Counter[tuple[str, str]] = Counter()

fanout_seconds = Histogram(FAST)
connection_age_seconds = Histogram(AGES)
event_loop_lag_seconds = Histogram(FAST)
delivery_seconds = {stage: Histogram(LATENCY) for stage in STAGES}

_servers: list[ObservedServer] = []
_hubs: list[ObservedHub] = []
_canary_ages: list[Callable[[], float]] = []


def observe_server(server: ObservedServer) -> None:
    """Count the connections of *server* at each scrape from now on."""
    _servers.append(server)


def observe_hub(hub: ObservedHub) -> None:
    """Count the subscriptions and channels of *hub* at each scrape from now on."""
    _hubs.append(hub)


def observe_canary(age: Callable[[], float]) -> None:
    """Tell what *age* returns, in seconds, at each scrape from now on."""
    _canary_ages.append(age)


def forget() -> None:
    """Forget every observed object; for tests and for a server that has stopped."""
    for observed in (_servers, _hubs, _canary_ages):
        observed.clear()


def endpoint_of(path: str) -> str:
    """Return which of ENDPOINTS serves *path*; "custom" for a team's own routes."""
    return path if path in ENDPOINTS else "custom"


class TandemCollector(Collector):
    """Everything above, in Prometheus' words."""

    def describe(self) -> list[Metric]:
        """Nothing: names are checked by tests, not at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the counters and count the live objects."""
        yield from self._gauges()
        for field in fields(counts):
            yield CounterMetricFamily(*_named(field.name), value=getattr(counts, field.name))
        yield _labelled("connections_opened", ("transport", "endpoint"), _endpoints(opened))
        yield _labelled("connections_closed", ("code",), _bounded(closed, CLOSE_CODES))
        yield _labelled("connections_rejected", ("reason",), _bounded(rejected, REJECTIONS))
        yield _labelled("commands", ("method", "outcome"), _command_outcomes())
        for name, counter in _outcome_counters().items():
            yield _labelled(name, ("outcome",), _bounded(counter, OUTCOMES[name]))
        yield from _histograms()

    def _gauges(self) -> Iterator[Metric]:
        live: Counter[tuple[str, str]] = Counter()
        waiting = 0
        for server in _servers:
            for connection in server.connections:
                live[connection.transport_name, connection.path] += 1
                waiting += connection.buffered
        yield _labelled("connections", ("transport", "endpoint"), _endpoints(live), GaugeMetricFamily)
        yield GaugeMetricFamily(*_named("send_buffer_bytes"), value=waiting)
        yield GaugeMetricFamily(*_named("draining"), value=int(any(server.is_draining for server in _servers)))
        yield GaugeMetricFamily(*_named("subscriptions"), value=sum(hub.subscription_count for hub in _hubs))
        yield GaugeMetricFamily(*_named("channels"), value=sum(hub.channel_count for hub in _hubs))
        if _canary_ages:
            yield GaugeMetricFamily(*_named("canary_age_seconds"), value=max(age() for age in _canary_ages))


def _outcome_counters() -> dict[str, Counter[str]]:
    return {"recoveries": recoveries, "position_checks": position_checks, "client_reports": client_reports}


def _histograms() -> Iterator[Metric]:
    for name, histogram in (
        ("fanout_seconds", fanout_seconds),
        ("connection_age_seconds", connection_age_seconds),
        ("event_loop_lag_seconds", event_loop_lag_seconds),
    ):
        yield HistogramMetricFamily(*_named(name), buckets=histogram.cumulated(), sum_value=histogram.total)
    delivery = HistogramMetricFamily(*_named("delivery_seconds"), labels=("stage",))
    for stage, histogram in delivery_seconds.items():
        delivery.add_metric((stage,), histogram.cumulated(), histogram.total)
    yield delivery


def _named(name: str) -> tuple[str, str]:
    return f"tandem_{name}", HELP[name]


def _labelled(
    name: str,
    labels: tuple[str, ...],
    values: Counter[tuple[str, ...]],
    family: type[CounterMetricFamily] | type[GaugeMetricFamily] = CounterMetricFamily,
) -> Metric:
    metric = family(*_named(name), labels=labels)
    for key, value in sorted(values.items()):
        metric.add_metric(key, value)
    return metric


def _bounded(counter: Counter[K], known: tuple[K, ...]) -> Counter[tuple[str, ...]]:
    """
    Sum *counter* over *known* keys and "other".

    Known keys are told before they first happen: `increase()` does not see a series that is born with a value.
    """
    values: Counter[tuple[str, ...]] = Counter({(str(key),): 0 for key in known})
    for key, value in counter.items():
        values[(str(key) if key in known else "other",)] += value
    return values


def _endpoints(counter: Counter[tuple[str, str]]) -> Counter[tuple[str, ...]]:
    values: Counter[tuple[str, ...]] = Counter({("websocket", "/ws/"): 0})
    for (transport, path), value in counter.items():
        values[transport if transport in TRANSPORTS else "other", endpoint_of(path)] += value
    return values


def _command_outcomes() -> Counter[tuple[str, ...]]:
    outcomes = {"ok", *map(str, (*ERROR_CODES, *CLOSE_CODES))}
    values: Counter[tuple[str, ...]] = Counter()
    for (method, outcome), value in commands.items():
        values[method if method in METHODS else "other", outcome if outcome in outcomes else "other"] += value
    return values


registry = CollectorRegistry(auto_describe=False)
registry.register(TandemCollector())
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=registry)


def exposition() -> bytes:
    """Return the text that Prometheus scrapes."""
    return generate_latest(registry)
