"""What the interface server counts; the metrics read it at scrape time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from tandem_realtime.observing.histogram import AGES, Histogram


@dataclass(slots=True)
class Counters:
    """
    Hold totals since the process started.

    `handshakes` are upgrade requests seen, `opened` those accepted. `opened_by` is by transport and endpoint; it
    includes streaming HTTP responses, as do `closed`, by the code that ended the connection, and `ages`, in seconds.
    `rejected` is by reason: capacity, rate, draining (503), address (429), denied (403, by the application), malformed
    (4xx), error (500), timeout, gone. `slow` includes streaming HTTP responses.
    """

    handshakes: int = 0
    opened: int = 0
    slow: int = 0
    bytes_out: int = 0
    opened_by: Counter[tuple[str, str]] = field(default_factory=Counter)
    ages: Histogram = field(default_factory=lambda: Histogram(AGES))
    closed: Counter[int] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
