"""The text that Prometheus scrapes: what `metrics` and the interface server counted, under its names and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tandem_realtime.endpoints import WEBSOCKET, endpoint_of, stream_transport_of
from tandem_realtime.observing import metrics
from tandem_realtime.observing.histogram import AGES, Histogram
from tandem_realtime.protocol.commands import METHODS as COMMANDS

if TYPE_CHECKING:
    from tandem_realtime.server.counters import Counters

METHODS = (*COMMANDS, "pong", "emulation")
CLOSE_CODES = (
    *(1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012),
    *(3000, 3001, 3004, 3005, 3006, 3008, 3010, 3011, 3012, 3013),
    *(3500, 3501, 3502, 3503, 3504, 3505, 3507),
)
ERROR_CODES = tuple(range(100, 113))
REJECTIONS = ("capacity", "rate", "draining", "denied", "malformed", "error", "timeout", "gone")
OUTCOMES = {
    "recoveries": ("recovered", "unrecovered"),
    "position_checks": ("ok", "behind", "reset", "error"),
    "client_reports": ("accepted", "dropped"),
}

K = TypeVar("K", int, str)

HELP = {
    "connections": "Connections open now.",
    "connections_opened": "Connections accepted since the process started.",
    "connections_closed": "Connections ended, by close code.",
    "connections_rejected": "Connections refused before they were accepted, by reason.",
    "connection_age_seconds": "Age of connections when they ended.",
    "subscriptions": "Subscriptions to channels, the canary's own included.",
    "channels": "Channels that this process receives, the canary's own included.",
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


def exposition() -> bytes:
    """Return the text that Prometheus scrapes."""
    return generate_latest(registry)


class TandemCollector(Collector):
    """Everything above, in Prometheus' words."""

    def describe(self) -> list[Metric]:
        """Nothing: names are checked by tests, not at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the counters and count the live objects."""
        yield from _gauges()
        yield from _server_totals([server.counters for server in metrics.servers])
        for field in fields(metrics.counts):
            if field.name != "bytes_sent":
                yield CounterMetricFamily(*_named(field.name), value=getattr(metrics.counts, field.name))
        yield _labelled("commands", ("method", "outcome"), _command_outcomes())
        for name, counter in _outcome_counters().items():
            yield _labelled(name, ("outcome",), _bounded(counter, OUTCOMES[name]))
        yield _histogram("fanout_seconds", metrics.fanout_seconds)
        yield _histogram("event_loop_lag_seconds", metrics.event_loop_lag_seconds)
        delivery = HistogramMetricFamily(*_named("delivery_seconds"), labels=("stage",))
        for stage, histogram in metrics.delivery_seconds.items():
            delivery.add_metric((stage,), histogram.cumulated(), histogram.total)
        yield delivery


def _gauges() -> Iterator[Metric]:
    live: Counter[tuple[str, ...]] = Counter({(WEBSOCKET, "/ws/"): 0})
    live.update(live_connections(metrics.servers))
    waiting = sum(
        connection.buffered for server in metrics.servers for connection in server.connections if connection.is_open
    )
    is_draining = any(server.is_draining for server in metrics.servers)
    yield _labelled("connections", ("transport", "endpoint"), live, GaugeMetricFamily)
    yield GaugeMetricFamily(*_named("send_buffer_bytes"), value=waiting)
    yield GaugeMetricFamily(*_named("draining"), value=int(is_draining))
    yield GaugeMetricFamily(*_named("subscriptions"), value=sum(hub.subscription_count for hub in metrics.hubs))
    yield GaugeMetricFamily(*_named("channels"), value=sum(hub.channel_count for hub in metrics.hubs))
    if metrics.canary_ages:
        yield GaugeMetricFamily(*_named("canary_age_seconds"), value=max(age() for age in metrics.canary_ages))


def live_connections(servers: Iterable[metrics.ObservedServer]) -> Counter[tuple[str, ...]]:
    """Count what is open now, by transport and endpoint."""
    by_path = Counter((each.kind, each.path) for server in servers for each in server.connections if each.is_open)
    live: Counter[tuple[str, ...]] = Counter()
    for (kind, path), count in by_path.items():
        live[_place(kind, path if isinstance(path, str) else path.decode("ascii", "replace"))] += count
    return live


def _place(kind: str, path: str) -> tuple[str, ...]:
    return WEBSOCKET if kind == WEBSOCKET else stream_transport_of(path), endpoint_of(path)


def _server_totals(totals: list[Counters]) -> Iterator[Metric]:
    opened: Counter[tuple[str, ...]] = Counter({(WEBSOCKET, "/ws/"): 0})
    closed: Counter[int] = Counter()
    rejected: Counter[str] = Counter()
    ages = Histogram(AGES)
    for counters in totals:
        for place, count in counters.opened_by.items():
            opened[place] += count
        closed.update(counters.closed)
        rejected.update(counters.rejected)
        ages.add(counters.ages)
    sent = sum(counters.bytes_out for counters in totals) if totals else metrics.counts.bytes_sent
    yield _labelled("connections_opened", ("transport", "endpoint"), opened)
    yield _labelled("connections_closed", ("code",), _bounded(closed, CLOSE_CODES))
    yield _labelled("connections_rejected", ("reason",), _bounded(rejected, REJECTIONS))
    yield CounterMetricFamily(*_named("bytes_sent"), value=sent)
    yield CounterMetricFamily(*_named("slow_disconnects"), value=sum(counters.slow for counters in totals))
    yield _histogram("connection_age_seconds", ages)


def _outcome_counters() -> dict[str, Counter[str]]:
    return {
        "recoveries": metrics.recoveries,
        "position_checks": metrics.position_checks,
        "client_reports": metrics.client_reports,
    }


def _histogram(name: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(*_named(name), buckets=histogram.cumulated(), sum_value=histogram.total)


def _named(name: str) -> tuple[str, str]:
    return f"tandem_{name}", HELP[name]


def _labelled(
    name: str,
    labels: tuple[str, ...],
    values: Mapping[tuple[str, ...], int],
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


def _command_outcomes() -> Counter[tuple[str, ...]]:
    outcomes = {"ok", *map(str, (*ERROR_CODES, *CLOSE_CODES))}
    values: Counter[tuple[str, ...]] = Counter()
    for (method, outcome), value in metrics.commands.items():
        values[method if method in METHODS else "other", outcome if outcome in outcomes else "other"] += value
    return values


registry = CollectorRegistry(auto_describe=False)
registry.register(TandemCollector())
for _collector in (ProcessCollector, PlatformCollector, GCCollector):
    _collector(registry=registry)
