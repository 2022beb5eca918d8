"""Any bytes, to both decoders and to sessions: answered or ended with a code of ours, and nothing is kept of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_realtime.consumers.emulation import read_envelope
from tandem_realtime.protocol.codes import CommandError, DisconnectClient
from tandem_realtime.protocol.commands import method_of
from tandem_realtime.protocol.dialects import Dialect, json, protobuf
from tandem_realtime.protocol.encodings import LINES, MESSAGES, Encoding
from tandem_realtime.protocol.unserved import refuse_unserved
from tandem_realtime.runtime import Runtime
from tandem_realtime.session import Session
from tests.fuzzing import FRAMES, Fuzzer

DIALECTS: list[Dialect] = [json, protobuf]
GROWTH = 8 * 1024 * 1024
PERIODS = [pytest.param(3, id="short"), pytest.param(600, id="long", marks=pytest.mark.slow)]


def read(dialect: Dialect, frame: bytes | str) -> str:
    """Do what a session does before anything waits; return how it went. Anything but our own errors is raised."""
    outcome = "read"
    try:
        for command in dialect.decode_frame(frame):
            if command.is_pong:
                continue
            try:
                refuse_unserved(getattr(command, method_of(command)))
            except CommandError:
                outcome = "refused"
    except DisconnectClient:
        return "ended"
    return outcome


def read_body(body: bytes, *, is_binary: bool) -> None:
    """Do what an emulation request does."""
    try:
        read_envelope(body, is_binary=is_binary)
    except ValueError:
        return


@pytest.mark.parametrize("dialect", DIALECTS, ids=["json", "protobuf"])
@settings(deadline=None, max_examples=500)
@given(frame=st.one_of(st.binary(max_size=300), st.text(max_size=300), st.sampled_from(FRAMES)))
def test_any_bytes(dialect: Dialect, frame: bytes | str) -> None:
    """As hypothesis finds them: text where bytes are due, too."""
    read(dialect, frame)


@pytest.mark.parametrize("seconds", PERIODS)
def test_decoders(seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is bent, each decoder reads, refuses or ends it; memory is where it was."""
    seed = time.time_ns()
    fuzzer = Fuzzer(seed)
    counts: Counter[str] = Counter()
    begun, before = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < seconds:
        if not before and passed > seconds / 10:
            before = memory()
        for _ in range(500):
            frame = fuzzer.frame()
            try:
                for dialect in DIALECTS:
                    counts[read(dialect, frame)] += 1
                read_body(frame, is_binary=fuzzer.random.random() < 0.5)
            except BaseException:
                pytest.fail(f"seed {seed}: {frame!r}")
    grown = memory() - before
    with capsys.disabled():
        print(f"\n{counts.total()} frames in {seconds} s ({dict(counts)}); memory {grown / 1024:+.0f} KiB")

    assert counts["read"] > counts.total() / 100
    assert counts["refused"] > counts.total() / 1000
    assert grown < GROWTH


def memory() -> int:
    """Return this process's resident bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("seconds", PERIODS)
async def test_sessions(
    seconds: float, runtime: Runtime, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Connected sessions answer and end, none of them with an internal error; the hub forgets their channels."""
    seed = time.time_ns()
    fuzzer = Fuzzer(seed)
    counts: Counter[int] = Counter()
    begun, before = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < seconds:
        if not before and passed > seconds / 10:
            before = memory()
        for encoding in (LINES, MESSAGES):
            await one_session(runtime, encoding, fuzzer, counts)
        errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        assert not errors, (seed, errors)
    grown = memory() - before
    with capsys.disabled():
        print(f"\n{counts[0]} frames in {seconds} s; closed {dict(counts)}; memory {grown / 1024:+.0f} KiB")

    assert grown < GROWTH
    assert not counts[3004]


async def one_session(runtime: Runtime, encoding: Encoding, fuzzer: Fuzzer, counts: Counter[int]) -> None:
    """Send a session frames until it is closed, or forty of them."""
    closed: list[int] = []
    session = Session(runtime, encoding, lambda data: None, lambda code, reason: closed.append(code))
    await session.receive(b'{"id":1000,"connect":{}}' if encoding is LINES else protobuf_connect())
    for _ in range(40):
        counts[0] += 1
        await session.receive(fuzzer.frame())
        if closed:
            break
    await asyncio.sleep(0)
    session.connection_lost()
    counts.update(closed)


def protobuf_connect() -> bytes:
    """Return the command that a Protobuf client begins with."""
    return bytes([4, 0x08, 100, 0x22, 0])
