"""The servers that the benchmark compares with: each starts, and a publication arrives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadgen.bench import peers, workloads
from loadgen.bench.contenders import stock
from loadgen.bench.load import Load
from loadgen.bench.visits import visit

NAMES = [name for name in workloads.PEERS if name != "centrifugo" or os.environ.get(peers.CENTRIFUGO)]


@pytest.mark.parametrize(
    "name", ["ws", *(pytest.param(name, marks=pytest.mark.slow) for name in [*NAMES, "stock-uvicorn"] if name != "ws")]
)
def test_one_publication(name: str, redis_url: str, tmp_path: Path) -> None:
    """One subscriber gets one publication; what both cost the server is told, and may be less than a tick."""
    contender = peers.PEERS[name](redis_url) if name in peers.PEERS else stock(redis_url, name=name)
    found = visit(contender, Load(clients=1, rate=50, count=1), redis_url, tmp_path)

    assert (found["contender"], found["clients"]) == (name, 1)
    assert {"delivery_cpu_us", "connect_cpu_us"} <= found.keys()
    assert found["p999_ms"] > 0


def test_centrifugo_does_not_take_part_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable nothing is missing but Centrifugo."""
    monkeypatch.delenv(peers.CENTRIFUGO, raising=False)

    assert peers.absent()["centrifugo"] == "CENTRIFUGO=<its program>"


def test_a_program_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A variable that names nothing is an error, not an absence."""
    monkeypatch.setenv(peers.CENTRIFUGO, str(tmp_path / "centrifugo"))

    with pytest.raises(ValueError, match=r"^CENTRIFUGO=.*/centrifugo: expected the path of Centrifugo's program$"):
        peers.absent()


def test_centrifugo_keeps_what_tandem_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have streams of one length, by the same name."""
    monkeypatch.setenv(peers.CENTRIFUGO, "/bin/true")
    environment = peers.centrifugo("redis://127.0.0.1:1/0").env

    assert environment["CENTRIFUGO_ENGINE_REDIS_ADDRESS"] == "redis://127.0.0.1:1/0"
    assert environment["CENTRIFUGO_CHANNEL_NAMESPACES"] == (
        '[{"name": "public", "history_size": 1000, "history_ttl": "300s", "force_recovery": true, '
        '"allow_subscribe_for_client": true, "allow_subscribe_for_anonymous": true}]'
    )
