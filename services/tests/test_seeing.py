"""What Prometheus sees is what there is: against the kernel's own count, and under load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from rig.busy import BusyRun
from rig.prometheus import PanelQuery, Prometheus, alert_expressions, panel_queries
from rig.servers import SERVICES, RedisServer, Server, free_port, wait_until
from rig.stack import Stack

# The longest that a connection can be gone unnoticed: a ping interval and the wait for its pong.
NOTICED_SECONDS = 25 + 8
TOKEN_KEY = "key-of-the-tests-0123456789abcdefghij"


class Pod:
    """One realtime process, by the ports of its two listeners."""

    def __init__(self, name: str, redis: RedisServer, log: Path) -> None:
        self.name = name
        self.port, self.private_port = free_port(), free_port()
        environ = {
            "TANDEM_DEBUG": "1",
            "TANDEM_REDIS_URLS": redis.url,
            "TANDEM_TOKEN_KEYS": TOKEN_KEY,
            "TANDEM_BIND_HOST": "127.0.0.1",
            "TANDEM_BIND_PORT": str(self.port),
            "TANDEM_PRIVATE_PORT": str(self.private_port),
            "TANDEM_DRAIN_SECONDS": "1",
        }
        self.server = Server([sys.executable, "-m", "tandem_realtime"], self.port, env=environ, log=log)

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}/ws/"

    def sockets(self) -> int:
        """How many connections the kernel says are established with this process."""
        assert self.server.process is not None
        return sum(
            connection.status == psutil.CONN_ESTABLISHED and connection.laddr.port == self.port
            for connection in psutil.Process(self.server.process.pid).net_connections("tcp")
        )


@contextmanager
def holding(count: int, *pods: Pod) -> Iterator[subprocess.Popen[str]]:
    """Run a client process that holds *count* sockets, spread over *pods*."""
    command = [sys.executable, "-m", "rig.holder", str(count), "public:held", *(pod.url for pod in pods)]
    with subprocess.Popen(
        command, cwd=SERVICES, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ready\n"
            yield holder
        finally:
            holder.kill()


@pytest.fixture
def pods(tmp_path: Path) -> Iterator[list[Pod]]:
    """Two realtime processes over one Redis."""
    with RedisServer(tmp_path) as redis:
        found = [Pod(f"realtime-{number}", redis, tmp_path / f"realtime-{number}.log") for number in range(2)]
        with found[0].server, found[1].server:
            yield found


def test_the_gauge_says_what_the_kernel_says(pods: list[Pod], tmp_path: Path) -> None:
    """1,000 sockets, then 300 clients killed with -9, then one process of two: the sum over the scrape follows."""
    targets = {("realtime", pod.name): pod.private_port for pod in pods}
    told = "sum(tandem_connections)"
    with Prometheus(tmp_path / "prometheus", targets) as prometheus:
        with holding(300, *pods) as doomed, holding(700, *pods):
            prometheus.wait_for(told, 1000, seconds=10)
            assert [pod.sockets() for pod in pods] == [500, 500]

            doomed.kill()
            took = prometheus.wait_for(told, 700, seconds=NOTICED_SECONDS)
            assert [pod.sockets() for pod in pods] == [350, 350]
            print(f"300 clients killed: told after {took:.1f} s")

            pods[0].server.kill()
            took = prometheus.wait_for(told, 350, seconds=NOTICED_SECONDS)
            assert pods[1].sockets() == 350
            print(f"one process of two killed: told after {took:.1f} s")

            closed = prometheus.value('sum(tandem_connections_closed_total{code="1006",pod="realtime-1"})')
            assert closed == 150


RUN_SECONDS = 24.0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that has watched a busy run to its bitter end."""
    with BusyRun(tmp_path_factory.mktemp("busy"), clients=60) as run:
        run.act(RUN_SECONDS)
        run.fail()
        wait_until(lambda: bool(run.prometheus.query('tandem_http_requests_total{status="500"}')), seconds=10)
        yield run.prometheus


@pytest.mark.parametrize("query", list(panel_queries()), ids=lambda query: f"{query.panel}-{query.legend}")
def test_every_query_of_the_dashboard_gives_data(recorded: Prometheus, query: PanelQuery) -> None:
    """Each query of each panel, as Grafana would send it, shows something of the run."""
    numbers = [
        float(value)
        for series in recorded.query_range(query.expression, RUN_SECONDS * 2)
        for _, value in series["values"]
    ]

    assert [number for number in numbers if not math.isnan(number)], query.expression


@pytest.mark.parametrize("name", list(alert_expressions()))
def test_every_alert_asks_for_what_is_there(recorded: Prometheus, name: str) -> None:
    """Each series that an alert selects was there in the run: no alert is silent because of a name or a label."""
    expression = alert_expressions()[name]
    selectors = re.findall(r"\b(?:tandem|redis)_\w+(?:\{[^}]*\})?", expression)
    recorded.query(expression)

    assert selectors
    assert [selector for selector in selectors if not recorded.query_range(selector, RUN_SECONDS * 2)] == []


def test_what_happened_is_what_is_told(recorded: Prometheus) -> None:
    """The run's own events are in the figures: drain, recoveries of both kinds, reports, refusals."""
    most = {
        name: max(
            float(value) for series in recorded.query_range(name, RUN_SECONDS * 2) for _, value in series["values"]
        )
        for name in (
            'sum(tandem_draining{pod="realtime-1"})',
            'sum(tandem_recoveries_total{outcome="recovered"})',
            'sum(tandem_recoveries_total{outcome="unrecovered"})',
            'sum(tandem_client_reports_total{outcome="accepted"})',
            'sum(tandem_connections_rejected_total{reason="malformed"})',
            'sum(tandem_connections_closed_total{code="3001"})',
        )
    }

    assert [name for name, value in most.items() if value == 0] == []


@pytest.mark.slow
def test_a_broken_path_fires_within_a_minute(tmp_path: Path) -> None:
    """Redis frozen: within 60 s the alert fires, at the chart's own interval of 15 s, and the pod is unready."""
    with RedisServer(tmp_path) as redis:
        pod = Pod("realtime-0", redis, tmp_path / "realtime.log")
        targets = {("realtime", pod.name): pod.private_port}
        firing = 'count(ALERTS{alertname="TandemCanaryStale",alertstate="firing",pod="realtime-0"})'
        with pod.server, Prometheus(tmp_path / "prometheus", targets, interval="15s") as prometheus:
            prometheus.wait_for("count(tandem_canary_age_seconds)", 1, seconds=30)
            redis.signal(signal.SIGSTOP)
            took = prometheus.wait_for(firing, 1, seconds=60)
            ready = httpx.get(f"http://127.0.0.1:{pod.private_port}/readyz")
            redis.signal(signal.SIGCONT)

    print(f"fired after {took:.0f} s")
    assert ready.status_code == 503
    assert ready.json()["checks"]["canary"].startswith("no publication has come back for")


async def test_every_transport_is_counted(pods: list[Pod]) -> None:
    """Streams are connections like sockets: there while they last, and closed under a code when they end."""
    port, private_port = pods[0].port, pods[0].private_port
    hello = json.dumps({"id": 1, "connect": {}})

    async def told(pattern: str) -> Counter[str]:
        text = (await http.get(f"http://127.0.0.1:{private_port}/metrics")).text
        counted: Counter[str] = Counter()
        for name, value in re.findall(rf"^{pattern} (\S+)$", text, re.MULTILINE):
            counted[name] += int(float(value))
        return counted

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
        streams = [
            http.stream("POST", "/ws/http_stream", content=hello),
            http.stream("GET", "/ws/sse", params={"cf_connect": hello}),
            http.stream("GET", "/ws/sse/", params={"channel": "public:held"}),
        ]
        async with contextlib.AsyncExitStack() as open_streams:
            answers = [(await open_streams.enter_async_context(stream)).aiter_raw() for stream in streams]
            for answer in answers:
                await anext(answer)
            during = await told(r'tandem_connections\{.*transport="(\w+)"\}')
        while (await told(r'tandem_connections\{.*transport="(\w+)"\}')).total():
            await asyncio.sleep(0.05)
        closed = await told(r'tandem_connections_closed_total\{code="(1006)"\}')

    assert during == {"http_stream": 1, "sse": 2, "websocket": 0}
    assert closed == {"1006": 3}


@pytest.mark.parametrize("path", ["/metrics", "/ws/metrics", "/ws/../metrics", "/metrics/"])
def test_the_edge_shows_no_metrics(stack: Stack, path: str) -> None:
    """What is counted is nobody's business outside: the edge has no way to the private ports."""
    assert httpx.get(stack.url + path).status_code == 404
