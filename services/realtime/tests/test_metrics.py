"""What is counted is told, in words that Prometheus accepts, and never in more series than planned."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rig.servers import find_program
from tandem.namespaces import CANARY
from tandem_realtime.observing import metrics
from tandem_realtime.observing.exposition import exposition
from tandem_realtime.server.counters import Counters


@dataclass
class Connection:
    kind: str
    path: str | bytes
    is_open: bool = True


@dataclass
class Server:
    connections: list[Connection] = field(default_factory=list)
    buffered: int = 0
    is_draining: bool = False
    counters: Counters = field(default_factory=Counters)


@dataclass
class Channel:
    subscriber_count: int


@dataclass
class Hub:
    channels: dict[str, Channel]


@pytest.fixture(autouse=True)
def _nothing_observed() -> Iterator[None]:
    metrics.forget()
    yield
    metrics.forget()


def samples() -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample of the exposition by name and label values."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition().decode())
        for sample in family.samples
    }


def test_gauges_count_live_objects() -> None:
    """Connections and buffers are counted when asked: what is gone from the server is gone from the gauge."""
    server = Server(
        [
            Connection("websocket", "/ws/"),
            Connection("websocket", "/ws/"),
            Connection("websocket", "/ws/", is_open=False),
            Connection("http", b"/ws/sse"),
            Connection("http", b"/api/counters/", is_open=False),
        ],
        buffered=15,
    )
    metrics.observe_server(server)
    metrics.observe_hub(Hub({"a": Channel(4), "b": Channel(3), "c": Channel(0), f"{CANARY}:n.0": Channel(1)}))
    before = samples()

    server.connections.pop(0)
    server.buffered = 5
    server.is_draining = True
    after = samples()

    assert before["tandem_connections", ("/ws/", "websocket")] == 2
    assert before["tandem_connections", ("/ws/sse", "sse")] == 1
    assert before["tandem_send_buffer_bytes", ()] == 15
    assert before["tandem_draining", ()] == 0
    assert (before["tandem_subscriptions", ()], before["tandem_channels", ()]) == (7, 3)
    assert after["tandem_connections", ("/ws/", "websocket")] == 1
    assert after["tandem_send_buffer_bytes", ()] == 5
    assert after["tandem_draining", ()] == 1


def test_counters_are_told_with_their_labels() -> None:
    """Each plain counter appears under its name on the wire."""
    server = Server()
    metrics.observe_server(server)
    before = samples()

    metrics.counts.publications_delivered += 1000
    server.counters.closed[3001] += 2
    server.counters.rejected["capacity"] += 3
    server.counters.opened_by["websocket", "/ws/"] += 6
    server.counters.ages.observe(61.0)
    server.counters.bytes_out += 128
    server.counters.slow += 1
    metrics.recoveries["unrecovered"] += 4
    metrics.commands["subscribe", "103"] += 5
    metrics.delivery_seconds["commit_to_send"].observe(0.004)
    after = samples()

    grown = {
        key: value - before.get(key, 0)
        for key, value in after.items()
        if key[0].startswith("tandem_") and value != before.get(key, 0) and "_bucket" not in key[0]
    }
    assert grown == {
        ("tandem_publications_delivered_total", ()): 1000,
        ("tandem_connections_closed_total", ("3001",)): 2,
        ("tandem_connections_rejected_total", ("capacity",)): 3,
        ("tandem_connections_opened_total", ("/ws/", "websocket")): 6,
        ("tandem_connection_age_seconds_count", ()): 1,
        ("tandem_connection_age_seconds_sum", ()): 61.0,
        ("tandem_bytes_sent_total", ()): 128,
        ("tandem_slow_disconnects_total", ()): 1,
        ("tandem_recoveries_total", ("unrecovered",)): 4,
        ("tandem_commands_total", ("subscribe", "103")): 5,
        ("tandem_delivery_seconds_count", ("commit_to_send",)): 1,
        ("tandem_delivery_seconds_sum", ("commit_to_send",)): pytest.approx(0.004),
    }


def test_series_are_bounded() -> None:
    """Whatever clients send as path, close code or method, the number of series stays below what was planned."""
    server = Server([Connection("websocket", f"/ws/{number}") for number in range(10_000)])
    for number in range(10_000):
        server.counters.closed[number % 5000] += 1
        server.counters.rejected[f"reason{number}"] += 1
        metrics.commands[f"method{number}", str(number)] += 1
    metrics.observe_server(server)

    ours = [key for key in samples() if key[0].startswith("tandem_")]

    assert len(ours) < 250


def test_promtool_finds_nothing_to_say() -> None:
    """`promtool check metrics` is silent about names, units and help texts."""
    checked = subprocess.run(
        [find_program("promtool"), "check", "metrics"], input=exposition(), capture_output=True, check=False
    )

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_the_exposition_has_no_created_series() -> None:
    """No `_created` gauges: they double the series and no query uses them."""
    assert not [name for name, _ in samples() if name.endswith("_created")]
