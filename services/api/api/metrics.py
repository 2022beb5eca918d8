"""What the api counts. Scraped on a port of its own, which gunicorn.conf.py opens; never behind the edge."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
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
    "tandem_publishes", "Publications handed to Redis, by outcome (ok, repeat, or the error)", ["outcome"]
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


class MetricsMiddleware:
    """Count and time every request under the pattern of its route: a raw path would be a series for each visitor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "OTHER"
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        requests_total.labels(method, route, response.status_code).inc()
        request_seconds.labels(method, route).observe(time.perf_counter() - started)
        return response


def observe_publish(outcome: str, seconds: float) -> None:
    """Count one publish. `tandem.publisher` calls this after each one."""
    publishes_total.labels(outcome).inc()
    publish_seconds.observe(seconds)
