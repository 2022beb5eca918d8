"""Redis's time, and what tokens are judged by."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest

from rig.pair import TOKEN_KEY, Pair
from rig.wire import open_socket
from tandem.errors import ExpiredToken
from tandem.tokens import Verifier, secret_keys
from tandem_realtime.clock import Clock

SHIFT = """
import time
_time, _ns = time.time, time.time_ns
time.time = lambda: _time() + {0}
time.time_ns = lambda: _ns() + {0} * 10**9
"""


def test_time_goes_on_from_the_last_sample() -> None:
    """In the middle of the trip; a slow one is no better than the last."""
    clock, asked = Clock(), time.monotonic()
    before = clock.now()
    clock.take([b"1000", b"500000"], asked=asked - 0.2, answered=asked)
    clock.take([b"5000", b"0"], asked=asked - 3, answered=asked)

    assert abs(before - time.time()) < 5
    assert abs(clock.now() - 1000.6) < 5


async def test_whoever_comes_first_waits_for_redis() -> None:
    """A second at most; then there is nothing better than our own time."""
    clock = Clock()
    waiting = asyncio.create_task(clock.begun())
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.take([b"1000", b"0"], asked=time.monotonic(), answered=time.monotonic())
    await asyncio.wait_for(waiting, 20)

    assert abs(clock.now() - 1000) < 5


def test_leeway_is_thirty_seconds() -> None:
    """For clocks that differ a little; what differs more is told."""
    skews: list[float] = []
    verifier = Verifier(secret_keys([TOKEN_KEY]), now=lambda: 1000.0, on_skew=skews.append)

    def is_good(**claims: int) -> bool:
        try:
            verifier.connection(jwt.encode({"sub": "42", **claims}, TOKEN_KEY, "HS256"))
        except ExpiredToken:
            return False
        return True

    assert [is_good(exp=971), is_good(exp=970), is_good(nbf=1030), is_good(nbf=1031), is_good(iat=4600)] == [
        *(True, False, True, False, True)
    ]
    assert skews == [-30.0, 31.0, 3600.0]


def test_skew_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """And not for every token of an api whose clock is wrong."""
    clock = Clock()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            clock.tell_skew(3600.2)
            clock.tell_skew(-3000.0)

    assert [(record.message, record.skew_seconds) for record in caplog.records] == [
        ("token.from_the_future", 3600),
        ("token.ran_out", -3000),
    ]


@pytest.mark.parametrize("hours", [1, -1, 24, -24])
async def test_clock_of_a_process_that_is_wrong_changes_nothing(pair: Pair, tmp_path: Path, hours: int) -> None:
    """Good tokens are good, and last as long as they say; old ones are not."""
    (tmp_path / "sitecustomize.py").write_text(SHIFT.format(hours * 3600))
    shifted = pair.another(PYTHONPATH=str(tmp_path))
    check = [sys.executable, "-c", "import time; print(int(time.time()))"]
    run = subprocess.run(check, env=shifted.env, capture_output=True, check=True)  # noqa: ASYNC221  nothing else runs
    told = int(run.stdout)
    assert abs(told - time.time() - hours * 3600) < 60, "the clock was not shifted"
    with shifted:
        now = int(time.time())
        async with open_socket(f"{shifted.ws_url}/ws/") as wire, open_socket(f"{shifted.ws_url}/ws/") as late:
            good = jwt.encode({"sub": "42", "iat": now, "exp": now + 600}, TOKEN_KEY, "HS256")
            old = jwt.encode({"sub": "42", "iat": now - 900, "exp": now - 300}, TOKEN_KEY, "HS256")
            connected = (await wire.command(connect={"token": good}))["connect"]
            refused = await late.command(connect={"token": old})

    assert 590 <= connected["ttl"] <= 600
    assert refused["error"]["code"] == 109
