"""One trace from the view to the publish to the send, at a collector that speaks OTLP; nothing at all by default."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rig.servers import SERVICES, wait_until
from rig.stack import COUNTER, Stack
from rig.wire import open_wire


class Span(NamedTuple):
    """One span as the collector got it."""

    service: str
    name: str
    trace: bytes
    id: bytes
    parent: bytes


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Collecting)
        self.spans: list[Span] = []

    def take(self, body: bytes) -> None:
        """Keep the spans of one export."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    Span(names["service.name"], span.name, span.trace_id, span.span_id, span.parent_span_id)
                    for span in scope.spans
                ]


class Collecting(BaseHTTPRequestHandler):
    """One export."""

    server: Collector

    def do_POST(self) -> None:
        """Take it."""
        self.server.take(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector on loopback."""
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def traced(tmp_path: Path, collector: Collector) -> Iterator[Stack]:
    """The pair with traces on."""
    environ = {
        "TANDEM_TRACES": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
    }
    with Stack(tmp_path, environ=environ) as stack:
        yield stack


async def test_one_trace_from_view_to_send(traced: Stack, collector: Collector) -> None:
    """The send is the publish's child, the publish the view's; all three are one trace over two services."""
    async with open_wire(traced.ws_url) as wire:
        await wire.subscribe(COUNTER)
        async with httpx.AsyncClient(base_url=traced.url) as http:
            await http.post("/api/counters/demo/increment/")
        await wire.publications(1)
    wait_until(lambda: "tandem.send" in {span.name for span in collector.spans}, seconds=10)
    wait_until(lambda: any(span.name.startswith("POST") for span in collector.spans), seconds=10)

    [send] = [span for span in collector.spans if span.name == "tandem.send"]
    [publish] = [span for span in collector.spans if span.id == send.parent]
    [view] = [span for span in collector.spans if span.id == publish.parent]
    assert (send.service, publish.service, view.service) == ("realtime", "api", "api")
    assert (publish.name, view.name) == ("tandem.publish", "POST api/counters/<name>/increment/")
    assert send.trace == publish.trace == view.trace


@pytest.mark.parametrize("imported", ["api.wsgi", "tandem_realtime.asgi"])
def test_by_default_nothing_is_traced(imported: str) -> None:
    """Off costs nothing: no exporter and no instrumentation is imported (redis-py looks for metrics by itself)."""
    ours = ("opentelemetry.exporter", "opentelemetry.instrumentation", "opentelemetry.sdk.trace")
    code = f"import {imported}, sys; print([name for name in sys.modules if name.startswith({ours})])"
    environ = {"TANDEM_DEBUG": "1", "PATH": "", "DATABASE_URL": "sqlite://:memory:"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=SERVICES, env=environ, capture_output=True, text=True, check=True
    )

    assert run.stdout.splitlines()[-1] == "[]"
