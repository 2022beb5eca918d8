"""The text that Prometheus scrapes: what `metrics` and the interface server counted, under its names and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tandem.namespaces import CANARY
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
REJECTIONS = ("capacity", "rate", "address", "draining", "denied", "malformed", "error", "timeout", "gone")

K = TypeVar("K", int, str)


class Outcomes(NamedTuple):
    """A counter by outcome, and every outcome that there is."""

    name: str
    help: str
    counter: Counter[str]
    known: tuple[str, ...]


OUTCOMES = (
    Outcomes(
        "recoveries",
        "Subscriptions that came back with a position, by outcome.",
        metrics.recoveries,
        ("recovered", "unrecovered"),
    ),
    Outcomes(
        "position_checks",
        "Comparisons of a channel's position with its stream, by outcome.",
        metrics.position_checks,
        ("ok", "behind", "reset", "error"),
    ),
    Outcomes(
        "client_reports",
        "Delivery reports from sampled clients, by outcome.",
        metrics.client_reports,
        ("accepted", "dropped"),
    ),
)


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
            if "help" in field.metadata:
                value = getattr(metrics.counts, field.name)
                yield CounterMetricFamily(_named(field.name), field.metadata["help"], value=value)
        yield _labelled(
            "commands",
            "Commands from clients, by outcome: ok, or the code of the error or disconnect.",
            ("method", "outcome"),
            _command_outcomes(),
        )
        for each in OUTCOMES:
            yield _labelled(each.name, each.help, ("outcome",), _bounded(each.counter, each.known))
        yield _histogram(
            "fanout_seconds",
            "Time to write one publication to every subscriber in this process.",
            metrics.fanout_seconds,
        )
        yield _histogram(
            "event_loop_lag_seconds", "How late the event loop ran a timer.", metrics.event_loop_lag_seconds
        )
        delivery = HistogramMetricFamily(
            _named("delivery_seconds"),
            "Age of a publication when it was sent, and when sampled clients say that it arrived.",
            labels=("stage",),
        )
        for stage, histogram in metrics.delivery_seconds.items():
            delivery.add_metric((stage,), histogram.cumulated(), histogram.total)
        yield delivery


def _gauges() -> Iterator[Metric]:
    live: Counter[tuple[str, ...]] = Counter({(WEBSOCKET, "/ws/"): 0})
    live.update(live_connections(metrics.servers))
    waiting = sum(server.buffered for server in metrics.servers)
    is_draining = any(server.is_draining for server in metrics.servers)
    yield _labelled("connections", "Connections open now.", ("transport", "endpoint"), live, GaugeMetricFamily)
    yield GaugeMetricFamily(
        _named("send_buffer_bytes"), "Bytes that wait in this process because clients read slowly.", value=waiting
    )
    yield GaugeMetricFamily(
        _named("draining"), "1 while the process closes its connections before it stops.", value=int(is_draining)
    )
    people = [
        channel.subscriber_count
        for hub in metrics.hubs
        for name, channel in hub.channels.items()
        if not name.startswith(f"{CANARY}:")
    ]
    yield GaugeMetricFamily(
        _named("subscriptions"), "Subscriptions to channels, without the canary's own.", value=sum(people)
    )
    yield GaugeMetricFamily(
        _named("channels"), "Channels that this process receives, without the canary's own.", value=len(people)
    )
    if metrics.canary_ages:
        yield GaugeMetricFamily(
            _named("canary_age_seconds"),
            "Seconds since the process last received its own canary publication.",
            value=max(age() for age in metrics.canary_ages),
        )


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
    yield _labelled(
        "connections_opened", "Connections accepted since the process started.", ("transport", "endpoint"), opened
    )
    yield _labelled("connections_closed", "Connections ended, by close code.", ("code",), _bounded(closed, CLOSE_CODES))
    yield _labelled(
        "connections_rejected",
        "Connections refused before they were accepted, by reason.",
        ("reason",),
        _bounded(rejected, REJECTIONS),
    )
    yield CounterMetricFamily(_named("bytes_sent"), "Bytes written to connections.", value=sent)
    yield CounterMetricFamily(
        _named("slow_disconnects"),
        "Connections ended because their send buffer was full.",
        value=sum(counters.slow for counters in totals),
    )
    yield _histogram("connection_age_seconds", "Age of connections when they ended.", ages)


def _histogram(name: str, help: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(_named(name), help, buckets=histogram.cumulated(), sum_value=histogram.total)


def _named(name: str) -> str:
    return f"tandem_{name}"


def _labelled(
    name: str,
    help: str,
    labels: tuple[str, ...],
    values: Mapping[tuple[str, ...], int],
    family: type[CounterMetricFamily] | type[GaugeMetricFamily] = CounterMetricFamily,
) -> Metric:
    metric = family(_named(name), help, labels=labels)
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
