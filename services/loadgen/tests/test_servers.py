"""The generator and the benchmark against the real servers, in short."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadgen.bench.checks import drain, memory, slow, storm
from loadgen.bench.checks.stage import Stage
from loadgen.bench.contenders import Contender, stock, tandem, tandem_env
from loadgen.bench.load import Load
from loadgen.bench.visits import visit
from loadgen.options import Options
from loadgen.report import Report
from loadgen.scenarios import Run
from rig.servers import RedisServer


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contender]:
    """One realtime process with a Redis of its own, and the variables that a publisher needs."""
    directory = tmp_path_factory.mktemp("service")
    with RedisServer(directory) as redis, pytest.MonkeyPatch.context() as patch:
        for name, value in tandem_env(redis.url).items():
            patch.setenv(name, value)
        contender = tandem(redis.url)
        with contender.running(directory):
            yield contender


def run(contender: Contender, scenario: str, **options: object) -> Report:
    """Run one scenario to its end."""
    return Run(Options(scenario=scenario, url=contender.url, **options)).execute()  # type: ignore[arg-type]


def test_fanout(service: Contender) -> None:
    """Every client gets every publication; the report says so, as JSON too."""
    report = run(service, "fanout", clients=50, rate=100.0, duration=0.5)

    assert (report.failures, report.received, report.expected, report.published) == ([], 2_500, 2_500, 50)
    assert json.loads(report.as_json())["ok"] is True
    assert "received  2500 of 2500" in report.as_table()


def test_channels(service: Contender) -> None:
    """Each client has a channel of its own and gets its share."""
    report = run(service, "channels", clients=20, rate=200.0, duration=0.5)

    assert (report.failures, report.received) == ([], 100)


def test_storm_with_recovery(service: Contender) -> None:
    """Cut off and back at once, every client gets exactly what it missed."""
    report = run(service, "storm", clients=100, missed=7)

    assert (report.failures, report.deliveries["received"], report.deliveries["recovered"]) == ([], 700, 100)


def test_verify(service: Contender) -> None:
    """Clients that are cut at random while publications flow end with every one, once and in order."""
    report = run(service, "verify", clients=30, channels=2, rate=100.0, duration=2.0, cut_every=0.5, away=0.3)

    assert report.failures == []
    assert report.deliveries["received"] == report.expected == 3_000
    assert report.deliveries["recovered"] > 30


def test_idle(service: Contender) -> None:
    """Idle clients stay."""
    report = run(service, "idle", clients=10, duration=0.5)

    assert (report.failures, report.live, report.closes) == ([], 10, {})


def test_a_publication_that_is_refused_is_a_failure(service: Contender) -> None:
    """A namespace that lets no client publish makes the run fail, with the server's own words."""
    report = run(service, "fanout", clients=1, publisher="client", duration=0.1)

    assert report.failures[0].startswith('publishing: PublishError: {"id":3,"error":{"code":103')


@pytest.mark.parametrize("make", [stock, tandem])
def test_visit(make: object, redis_url: str, tmp_path: Path) -> None:
    """A visit measures stock Channels and Tandem by the same metrics."""
    assert callable(make)
    found = visit(make(redis_url), Load(clients=20, rate=50, count=10), redis_url, tmp_path)

    assert found["delivery_cpu_us"] > 0
    assert found["connect_cpu_us"] > 0
    assert found["p99_ms"] > 0


@pytest.mark.parametrize("check", [drain.check, storm.check, memory.check, slow.check])
def test_checks_in_short(check: object, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check runs; what does not depend on how fast this machine is holds."""
    for module in (drain, storm, memory, slow):
        monkeypatch.setattr(module, "CLIENTS", 40)
        monkeypatch.setattr(module, "SECONDS", 1, raising=False)
    monkeypatch.setattr(memory, "FIRST", 20)
    monkeypatch.setattr(slow, "ROUNDS", 1)
    monkeypatch.setattr(slow, "SIZE", 40_000)
    monkeypatch.setattr(slow, "BUFFER_BYTES", 60_000)  # more than a frame: who takes none of one is cut
    assert callable(check)
    with Stage(redis_url, tmp_path) as stage:
        findings = check(stage)

    timed = ("seconds", "p99", "bytes", "in a second")
    assert [str(each) for each in findings if not each.holds and not any(word in each.text for word in timed)] == []
