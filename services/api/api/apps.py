"""The api service as a Django app: what its pages share, and the wiring of metrics and traces."""

from __future__ import annotations

from django.apps import AppConfig

from api.metrics import observe_publish
from tandem import conf, publisher, tracing


class ApiConfig(AppConfig):
    """Watch the publisher from the start."""

    name = "api"

    def ready(self) -> None:
        """Count every publish of this process, and trace it if that is wanted."""
        publisher.observers.append(observe_publish)
        if conf.settings().traces:
            trace_requests()


def trace_requests() -> None:
    """Begin a trace with each request: a span by OpenTelemetry's own middleware, in front of ours."""
    tracing.start("api")
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument()
