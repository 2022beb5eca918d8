"""SIGTERM: everybody is told, spread over time, and the process ends with 0."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from rig.servers import is_listening, wait_until
from tests.server_process import InterfaceServer, RawClient, masked


async def closed(client: Any) -> tuple[float, int, str]:
    """Return when and how the server closes."""
    with pytest.raises(ConnectionClosed) as caught:
        await client.recv()
    frame = caught.value.rcvd
    assert frame is not None, "closed without a close frame"
    return time.monotonic(), frame.code, frame.reason


def last_words(server: InterfaceServer) -> dict[str, Any]:
    """Return what the process left in its log."""
    words: dict[str, Any] = json.loads(server.text[server.text.rindex('{"disconnects"') :].splitlines()[0])
    return words


async def exit_status(server: InterfaceServer) -> int:
    """Wait for the process to end by itself."""
    assert server.process is not None
    return await asyncio.to_thread(server.process.wait, 20)


async def test_closes_are_spread_evenly(tmp_path: Path) -> None:
    """Two hundred sockets get 1012 over one second, every disconnect runs, and the process exits with 0."""
    with InterfaceServer(tmp_path, drain_seconds=1) as server:
        clients = await asyncio.gather(*(server.connect("/echo", open_timeout=10) for _ in range(200)))
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        ends = await asyncio.gather(*(closed(client) for client in clients))

        assert {end[1:] for end in ends} == {(1012, "service restart")}
        tenths = [sum(1 for at, *_ in ends if i <= (at - started) * 10 < i + 1) for i in range(12)]
        # A machine that stands still for a moment closes late what was due, but never all at once.
        assert max(tenths) <= 100, tenths
        assert sum(map(bool, tenths)) >= 4, tenths
        assert await exit_status(server) == 0
        assert last_words(server) == {"disconnects": [1012] * 200, "applications": 200}


async def test_who_has_gone_takes_no_time(tmp_path: Path) -> None:
    """The window is for closing whoever is here: with one, or with none of them left, there is nothing to wait for."""
    with InterfaceServer(tmp_path, drain_seconds=60) as server:
        clients = [await server.connect("/echo") for _ in range(3)]
        server.signal(signal.SIGTERM)
        await closed(clients[0])
        await asyncio.gather(*(client.close() for client in clients[1:]))

        assert await exit_status(server) == 0
    assert last_words(server) == {"disconnects": [1012, 1000, 1000], "applications": 3}


async def test_nobody_new_comes_in(tmp_path: Path) -> None:
    """A draining process does not listen any more."""
    with InterfaceServer(tmp_path, drain_seconds=1) as server:
        async with server.connect("/echo") as one, server.connect("/echo") as other:
            server.signal(signal.SIGTERM)
            await closed(one)

            assert not is_listening(server.port)
            await other.send("still served")
            assert await other.recv() == "still served"
        assert await exit_status(server) == 0


async def test_second_signal_hastens(tmp_path: Path) -> None:
    """A second SIGTERM closes at once what is left, with 1012 all the same."""
    with InterfaceServer(tmp_path, drain_seconds=60) as server:
        clients = [await server.connect("/echo") for _ in range(20)]
        started = time.monotonic()
        server.signal(signal.SIGTERM)
        await closed(clients[0])
        server.signal(signal.SIGTERM)
        ends = await asyncio.gather(*(closed(client) for client in clients[1:]))

        assert {end[1] for end in ends} == {1012}
        assert await exit_status(server) == 0
        assert time.monotonic() - started < 10


def test_connections_without_a_request_do_not_delay(tmp_path: Path) -> None:
    """A client that has sent nothing, and one in the middle of its request, neither break nor hold up a drain."""
    with InterfaceServer(tmp_path, drain_seconds=0.2, close_seconds=0.5) as server:
        with RawClient(server.port), RawClient(server.port) as half, RawClient(server.port) as whole:
            half.send(half.request("/echo")[:20])
            whole.open("/echo")
            started = time.monotonic()
            server.signal(signal.SIGTERM)

            assert whole.read_close() == (1012, "service restart")
            whole.send(masked(8, b""))
            assert half.read_all().startswith(b"HTTP/1.1 408 ")
            assert server.process is not None
            assert server.process.wait(10) == 0
            assert time.monotonic() - started < 5


def test_handshake_after_the_signal_is_503(tmp_path: Path) -> None:
    """A client that was connected but had not asked yet is told to come back, elsewhere."""
    with InterfaceServer(tmp_path, drain_seconds=2) as server:
        with RawClient(server.port) as late, RawClient(server.port) as early:
            late.send(late.request("/echo")[:20])
            early.open("/echo")
            server.signal(signal.SIGTERM)
            early.read_close()
            late.send(late.request("/echo")[20:])
            answer = late.read_all()

            assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
            assert b"\r\nRetry-After: 1\r\n" in answer


def test_handshake_that_the_application_has_not_answered(tmp_path: Path) -> None:
    """A socket still in its handshake at SIGTERM is refused in its turn, and its application ends."""
    with InterfaceServer(tmp_path, drain_seconds=0.2, close_seconds=0.5) as server:
        with RawClient(server.port) as client:
            client.send(client.request("/never"))
            wait_until(lambda: server.state()["connections"] == 1)
            server.signal(signal.SIGTERM)

            assert client.read_all().startswith(b"HTTP/1.1 503 ")
            assert server.process is not None
            assert server.process.wait(10) == 0
    assert last_words(server)["applications"] == 1


async def test_signal_amid_a_crowd(tmp_path: Path) -> None:
    """SIGTERM while hundreds connect: each gets 1012 or a refusal, and the exit status is 0."""
    with InterfaceServer(tmp_path, drain_seconds=0.5) as server:

        async def live() -> int:
            try:
                return (await closed(await server.connect("/echo", open_timeout=10)))[1]
            except (OSError, EOFError):
                return 0
            except Exception as error:
                return getattr(getattr(error, "response", None), "status_code", 0)

        crowd = [asyncio.ensure_future(live()) for _ in range(200)]
        await asyncio.sleep(0.05)
        server.signal(signal.SIGTERM)
        outcomes = set(await asyncio.gather(*crowd))

        assert outcomes <= {1012, 503, 0}, outcomes
        assert await exit_status(server) == 0
    assert "Traceback" not in server.text


async def test_ordinary_request_finishes(tmp_path: Path) -> None:
    """A request in progress is answered, and its connection is not kept."""
    with InterfaceServer(tmp_path, drain_seconds=0.1) as server:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            await client.get("/hello")
            answer = asyncio.ensure_future(client.get("/slow"))
            await asyncio.sleep(0.3)
            server.signal(signal.SIGTERM)
            response = await answer

            assert (response.text, response.headers["connection"]) == ("done", "close")
            assert await exit_status(server) == 0


async def test_stream_says_goodbye(tmp_path: Path) -> None:
    """A streaming response is told 3001 through its callback and ends in its own words."""
    with InterfaceServer(tmp_path, drain_seconds=0.1) as server:
        async with httpx.AsyncClient() as client:
            async with client.stream("GET", f"http://127.0.0.1:{server.port}/stream") as response:
                chunks = response.aiter_text()
                assert await anext(chunks) == "hello\n"
                server.signal(signal.SIGTERM)

                assert await anext(chunks) == "(3001, 'shutdown')\n"
        assert await exit_status(server) == 0


def test_client_that_does_not_answer_is_cut_off(tmp_path: Path) -> None:
    """A client that ignores its 1012 does not keep the process alive."""
    with InterfaceServer(tmp_path, drain_seconds=0, close_seconds=0.5) as server:
        with RawClient(server.port) as client:
            client.open("/echo")
            server.signal(signal.SIGTERM)

            assert client.read_close() == (1012, "service restart")
            assert server.process is not None
            assert server.process.wait(10) == 0


def test_application_that_stays_is_cut_off(tmp_path: Path) -> None:
    """An application that ignores its disconnect does not keep the process alive either."""
    limits: dict[str, Any] = {"drain_seconds": 0, "close_seconds": 0.5, "application_close_seconds": 0.5}
    with InterfaceServer(tmp_path, **limits) as server:
        with RawClient(server.port) as client:
            client.open("/stubborn")
            server.signal(signal.SIGTERM)
            client.read_close()

            assert server.process is not None
            assert server.process.wait(10) == 0
    assert last_words(server)["applications"] == 1
