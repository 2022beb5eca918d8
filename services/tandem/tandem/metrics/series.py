"""The series that web processes export."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

requests_total = Counter(
    "tandem_http_requests", "HTTP requests, by route pattern and status", ["method", "route", "status"]
)
request_seconds = Histogram(
    "tandem_http_request_seconds", "Time to answer an HTTP request", ["method", "route"], buckets=SECONDS
)
publishes_total = Counter(
    "tandem_publishes", "Publications handed to Redis, by outcome (ok, repeat, outdated, or the error)", ["outcome"]
)
publish_seconds = Histogram("tandem_publish_seconds", "Time that a publish took", buckets=SECONDS)
redis_pool_connections = Gauge(
    "tandem_redis_pool_connections",
    "Connections to Redis in the publisher's pools, by state",
    ["state"],
    multiprocess_mode="livesum",
)
outbox_pending = Gauge(
    "tandem_outbox_pending", "Committed publications that wait for Redis", multiprocess_mode="livemostrecent"
)
outbox_set_aside = Gauge(
    "tandem_outbox_set_aside",
    "Committed publications that are themselves at fault: retry or drop them",
    multiprocess_mode="livemostrecent",
)
outbox_paused = Gauge("tandem_outbox_paused", "1 while publishing is paused", multiprocess_mode="livemostrecent")
OF_APPS = {
    "outbox_pending": outbox_pending,
    "outbox_set_aside": outbox_set_aside,
    "outbox_paused": outbox_paused,
}
"""What `tandem.gauges` tells of, by its name there."""


_publishes_of = cache(publishes_total.labels)


def observe_publish(outcome: str, seconds: float) -> None:
    """Count one publish. `tandem.publisher` calls this after each one."""
    _publishes_of(outcome).inc()
    publish_seconds.observe(seconds)
