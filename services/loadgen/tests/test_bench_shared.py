"""Two processes that share one's clients."""

from __future__ import annotations

from pathlib import Path

from loadgen.bench import shared
from loadgen.bench.contenders import tandem
from loadgen.bench.load import Load


def test_each_process_has_its_share(redis_url: str, tmp_path: Path) -> None:
    """Everybody gets everything, whichever process it is at, and both processes' time is counted."""
    processes = [tandem(redis_url), tandem(redis_url)]
    found = shared.visit("tandem-two", processes, Load(clients=20, rate=50, count=10), redis_url, tmp_path)

    assert (found["contender"], found["clients"]) == ("tandem-two", 20)
    assert found["delivery_cpu_us"] > 0
    logs = [path.read_text() for path in sorted(tmp_path.glob("tandem-two-?.log"))]
    assert ['"connection.opened"' in text for text in logs] == [True, True]
