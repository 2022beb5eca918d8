"""Count and time every request."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from tandem import publisher
from tandem.metrics.series import METHODS, observe_publish, request_seconds, requests_total


class MetricsMiddleware:
    """Count and time every request under the pattern of its route: a raw path would be a series for each visitor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        if observe_publish not in publisher.observers:
            publisher.observers.append(observe_publish)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        method = request.method if request.method in METHODS else "OTHER"
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        requests_total.labels(method, route, response.status_code).inc()
        request_seconds.labels(method, route).observe(time.perf_counter() - started)
        return response
