"""The api as it runs in production: several workers, each database, one metrics port."""

from __future__ import annotations

import json
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.gunicorn_process import Gunicorn


def counter(served: Gunicorn, name: str = "demo") -> dict[str, int]:
    """The row, as the API tells it."""
    row: dict[str, int] = httpx.get(f"{served.url}/api/counters/{name}/").raise_for_status().json()
    return row


def increment(served: Gunicorn, by: int = 1) -> httpx.Response:
    """Press the button."""
    return httpx.post(f"{served.url}/api/counters/demo/increment/", content=json.dumps({"by": by}))


def test_concurrent_increments_all_count(served: Gunicorn) -> None:
    """Ten clients, ten increments each: a hundred more, and no two answers alike."""
    before = counter(served)

    def press_ten_times(_: int) -> list[tuple[int, int]]:
        with httpx.Client(base_url=served.url, timeout=30) as http:
            answers = [http.post("/api/counters/demo/increment/").raise_for_status().json() for _ in range(10)]
        return [(answer["value"], answer["version"]) for answer in answers]

    with ThreadPoolExecutor(10) as clients:
        told = [answer for answers in clients.map(press_ten_times, range(10)) for answer in answers]

    after = counter(served)
    assert (after["value"] - before["value"], after["version"] - before["version"]) == (100, 100)
    assert sorted(told) == [(before["value"] + n, before["version"] + n) for n in range(1, 101)]


def test_sum_beyond_64_bits_is_refused(served: Gunicorn) -> None:
    """Whatever the database does with an overflow, the value stays."""
    value = counter(served)["value"]
    assert increment(served, 2**63 - 1 - value).status_code == 200

    refused = increment(served)

    assert (refused.status_code, refused.json()) == (409, {"detail": "the sum does not fit into 64 bits"})
    assert counter(served)["value"] == 2**63 - 1
    assert increment(served, value - 2**63 + 1).json()["value"] == value


@pytest.mark.parametrize("name", ["nobody", "de%00mo", "%F0%9F%9A%B2"])
def test_unknown_counter_is_404(served: Gunicorn, name: str) -> None:
    """Names that a database would choke on never reach it."""
    assert httpx.get(f"{served.url}/api/counters/{name}/").status_code == 404


def test_metrics_are_of_all_workers_together(served: Gunicorn) -> None:
    """One scrape on a port of its own; the public port has none."""
    for _ in range(20):
        httpx.get(f"{served.url}/counter/").raise_for_status()
    series = httpx.get(f"http://127.0.0.1:{served.metrics_port}/metrics").text.splitlines()
    [line] = [line for line in series if line.startswith("tandem_http_requests_total{") and '"counter/"' in line]

    assert float(line.rpartition(" ")[2]) >= 20
    assert not [line for line in series if "_created" in line or "pid=" in line]
    assert httpx.get(f"{served.url}/metrics").status_code == 404


def test_static_files_may_be_kept_for_ever(served: Gunicorn) -> None:
    """Their names carry a hash of what is in them."""
    page = httpx.get(f"{served.url}/counter/").text
    [script] = [part.partition('"')[0] for part in page.split('src="') if "/tandem/" in part.partition('"')[0]]
    answer = httpx.get(served.url + script)

    assert answer.headers["cache-control"] == "max-age=315360000, public, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")


def test_log_is_json_one_line_an_event(served: Gunicorn) -> None:
    """gunicorn's own lines, too."""
    httpx.get(f"{served.url}/api/counters/", headers={"X-Request-ID": "from-the-edge"})
    assert served.log is not None
    lines = [json.loads(line) for line in served.log.read_text().splitlines()]
    events = Counter(line["logger"] for line in lines)

    assert events["gunicorn.error"] > 0
    [line] = [line for line in lines if line.get("request_id") == "from-the-edge"]
    assert (line["event"], line["method"], line["path"], line["status"]) == ("request", "GET", "/api/counters/", 200)


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_listens_on_ipv6(redis_url: str, tmp_path: Path, host: str) -> None:
    """A cluster may have nothing else; its metrics too."""
    environ = {"TANDEM_WEB_HOST": host}
    url = f"sqlite:///{tmp_path}/ipv6.sqlite3"
    with Gunicorn(tmp_path, database_url=url, redis_url=redis_url, environ=environ) as server:
        for port in (server.port, server.metrics_port):
            with socket.create_connection(("::1", port), 5) as connection:
                assert connection.getpeername()[0] == "::1"
