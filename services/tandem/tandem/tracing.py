"""
OpenTelemetry traces from the view to the publish to the send. Off, and nothing imported, unless TANDEM_TRACES is 1.

Where the spans go is OpenTelemetry's own business (OTEL_EXPORTER_OTLP_ENDPOINT and its like). Between the services a
trace travels behind the request id, as the W3C's traceparent header words it: "<request id> <traceparent>".
"""

from __future__ import annotations

import contextlib
import os
from contextlib import AbstractContextManager
from typing import Any

from tandem.errors import TandemError

_tracer: Any = None


class TracingUnavailable(TandemError):
    """Traces are wanted, and the packages for them are not installed."""


def start(service: str) -> None:
    """
    Begin to trace in this process, as *service* or as OTEL_SERVICE_NAME says.

    Raises `TracingUnavailable` where the packages of the extra ``traces`` are not installed.
    """
    global _tracer
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TracingUnavailable(f"TANDEM_TRACES=1 needs the packages of the extra `traces`: {error}") from error
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME") or service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _tracer = trace.get_tracer("tandem")


def trace_requests() -> None:
    """
    Begin a trace with each request of Django: a span by OpenTelemetry's own middleware, in front of ours.

    Raises as `start` does.
    """
    start("api")
    from opentelemetry.instrumentation.django import DjangoInstrumentor

    DjangoInstrumentor().instrument()


def is_on() -> bool:
    """Tell whether this process traces."""
    return _tracer is not None


_NO_SPAN = contextlib.nullcontext()


def publishing(channels: int, request: str) -> AbstractContextManager[Any]:
    """
    Return a span around a publish to so many *channels*; around none, nothing.

    A child of the current span, or of the one that *request* carries.
    """
    if _tracer is None or not channels:
        return _NO_SPAN
    from opentelemetry import trace

    parent = None if trace.get_current_span().get_span_context().is_valid else _context(request)
    span: AbstractContextManager[Any] = _tracer.start_as_current_span(
        "tandem.publish", context=parent, kind=trace.SpanKind.PRODUCER, attributes={"tandem.publications": channels}
    )
    return span


def sent(channel: str, request: str, *, subscribers: int, began_at: float) -> None:
    """Tell of a publication that was written to its subscribers since *began_at*, in seconds since 1970."""
    context = _context(request)
    if _tracer is None or context is None:
        return
    from opentelemetry import trace

    attributes = {"tandem.channel": channel, "tandem.subscribers": subscribers}
    began = int(began_at * 1_000_000_000)
    span = _tracer.start_span("tandem.send", context, trace.SpanKind.CONSUMER, attributes, start_time=began)
    span.end()


def carry(request_id: str) -> str:
    """Return *request_id* with the current span behind it, in the place of any other; unchanged where there is none."""
    if _tracer is None:
        return request_id
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    traceparent = carrier.get("traceparent", "")
    return f"{request_id_of(request_id)} {traceparent}" if traceparent else request_id


def request_id_of(request: str) -> str:
    """Return the request id alone."""
    return request.partition(" ")[0]


def _context(request: str) -> Any:
    traceparent = request.partition(" ")[2]
    if not traceparent:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})
