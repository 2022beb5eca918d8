"""
What the realtime service counts: everything that happens between the channel layer and the sockets.

For the code that is measured, in the event loop's thread only (nothing here takes a lock)::

    from tandem_realtime.observing import metrics

    metrics.counts.publications_received += 1              # plain integers
    metrics.counts.publications_delivered += len(sockets)  # once per publication, never once per socket
    metrics.recoveries["recovered"] += 1                   # plain dictionaries; the key is the label
    metrics.commands["subscribe", "ok"] += 1               # outcome: "ok", or the error's or disconnect's code
    metrics.fanout_seconds.observe(0.0012)
    metrics.delivery_seconds["commit_to_send"].observe(0.004)
    metrics.observe_server(server)                         # once, at start: see `ObservedServer`
    metrics.observe_hub(hub)                               # once, at start: see `ObservedHub`

Gauges are never kept: they are counted from live objects when Prometheus asks. A gauge that is decremented when
a connection ends drifts with the first exception on the way.

What the interface server counts stays in the server, and is read there.

Labels are bounded in `exposition` and not at the places that count: what is not in its lists is told as "other".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tandem_realtime.observing.histogram import Histogram

if TYPE_CHECKING:  # at run time the server imports this module
    from tandem_realtime.server.counters import Counters

FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STAGES = ("commit_to_send", "commit_to_client")


class ObservedConnection(Protocol):
    """One connection of an interface server, as far as the gauges need it."""

    kind: str  # "websocket" or "http"
    path: str | bytes

    @property
    def is_open(self) -> bool:
        """Tell whether this is a WebSocket after its accept, or a response that streams."""


class ObservedServer(Protocol):
    """An interface server: its live connections, its totals, and whether it is on its way out."""

    is_draining: bool
    counters: Counters

    @property
    def connections(self) -> Iterable[ObservedConnection]:
        """Everything open, and more that is not, or not yet."""

    @property
    def buffered(self) -> int:
        """Bytes that wait in user space for clients to read."""


class ObservedChannel(Protocol):
    """A channel of a hub."""

    @property
    def subscriber_count(self) -> int: ...


class ObservedHub(Protocol):
    """A hub: the channels that it receives, by name."""

    @property
    def channels(self) -> Mapping[str, ObservedChannel]: ...


def _counter(help: str) -> int:
    """Declare a counter of `Counts`, with what it says to who scrapes."""
    count: int = field(default=0, metadata={"help": help})
    return count


@dataclass(slots=True)
class Counts:
    """Counters without labels. The name on the wire is `tandem_<field>_total`."""

    publications_received: int = _counter("Publications that reached this process from the channel layer.")
    publications_delivered: int = _counter("Publications written to connections; one for each connection.")
    bytes_sent: int = 0  # told only when there is no server that counts every byte
    gaps_repaired: int = _counter("Gaps in a channel that were filled from its stream.")
    layer_reconnects: int = _counter("Times that connections to the channel layer were lost and restored.")


counts = Counts()
recoveries: Counter[str] = Counter()
position_checks: Counter[str] = Counter()
client_reports: Counter[str] = Counter()
commands: Counter[tuple[str, str]] = Counter()

fanout_seconds = Histogram(FAST)
event_loop_lag_seconds = Histogram(FAST)
delivery_seconds = {stage: Histogram(LATENCY) for stage in STAGES}

servers: list[ObservedServer] = []
hubs: list[ObservedHub] = []
canary_ages: list[Callable[[], float]] = []


def observe_server(server: ObservedServer) -> None:
    """Count the connections of *server* at each scrape from now on."""
    servers.append(server)


def observe_hub(hub: ObservedHub) -> None:
    """Count the subscriptions and channels of *hub* at each scrape from now on."""
    hubs.append(hub)


def observe_canary(age: Callable[[], float]) -> None:
    """Tell what *age* returns, in seconds, at each scrape from now on."""
    canary_ages.append(age)


def forget() -> None:
    """Forget every observed object; for tests and for a server that has stopped."""
    for observed in (servers, hubs, canary_ages):
        observed.clear()
