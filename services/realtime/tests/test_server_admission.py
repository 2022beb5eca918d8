"""When the server says no: 503 with Retry-After, counted, and nobody else feels it."""

from __future__ import annotations

import asyncio
import resource
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from rig.servers import wait_until
from tests.server_process import InterfaceServer, RawClient


async def refusal(server: InterfaceServer) -> tuple[int, str]:
    """Return the status and Retry-After of one handshake that must fail."""
    with pytest.raises(InvalidStatus) as caught:
        await server.connect("/echo")
    response = caught.value.response
    return response.status_code, response.headers["Retry-After"]


async def test_over_the_cap_is_503(tmp_path: Path) -> None:
    """Over the cap sockets and requests get 503 while the open ones go on; after one has left there is room."""
    with InterfaceServer(tmp_path, max_connections=2, drain_seconds=0) as server:
        async with server.connect("/echo") as first:
            async with server.connect("/echo"):
                assert await refusal(server) == (503, "5")
                response = server.get("/hello")
                assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
                await first.send("still here")
                assert await first.recv() == "still here"
            state = server.state()
            assert state["rejected"] == {"capacity": 2}
            async with server.connect("/echo"):
                pass


async def test_over_the_rate_is_503(tmp_path: Path) -> None:
    """More handshakes a second than allowed get 503; ordinary requests are no handshakes."""
    with InterfaceServer(tmp_path, handshakes_per_second=2, drain_seconds=0) as server:
        async with server.connect("/echo"), server.connect("/echo"):
            assert await refusal(server) == (503, "1")
            assert server.get("/hello").status_code == 200
            assert server.state()["rejected"] == {"rate": 1}
            await asyncio.sleep(1.1)  # a token's worth of the clock that the bucket reads
            async with server.connect("/echo"):
                pass


async def test_over_the_cap_of_an_address_is_429(tmp_path: Path) -> None:
    """One more from an address is told to come back later, socket or request; another address is let in."""
    options = {"trusted_proxies": ["127.0.0.1"]}
    with InterfaceServer(tmp_path, options=options, max_per_address=2, drain_seconds=0) as server:
        crowd = {"additional_headers": {"X-Forwarded-For": "2001:db8:0:7::1"}}
        neighbour = {"additional_headers": {"X-Forwarded-For": "2001:db8:0:7:ffff::2"}}
        async with server.connect("/echo", **crowd) as first, server.connect("/echo", **neighbour):
            for more in (crowd, neighbour):
                with pytest.raises(InvalidStatus) as caught:
                    await server.connect("/echo", **more)
                assert caught.value.response.status_code == 429
                assert caught.value.response.headers["Retry-After"] == "5"
                response = server.get("/hello", headers=more["additional_headers"])
                assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
            async with server.connect("/echo", additional_headers={"X-Forwarded-For": "2001:db8:0:8::1"}):
                await first.send("still here")
                assert await first.recv() == "still here"
            assert server.state()["rejected"] == {"address": 4}
        server.wait_for(connections=0)
        async with server.connect("/echo", **crowd):
            pass


async def test_over_the_cap_without_a_proxy(tmp_path: Path) -> None:
    """What is set holds for every address; the headers of nobody's trust count nothing."""
    with InterfaceServer(tmp_path, max_per_address=2, drain_seconds=0) as server:
        async with server.connect("/echo"), server.connect("/echo"):
            with pytest.raises(InvalidStatus) as caught:
                await server.connect("/echo", additional_headers={"X-Forwarded-For": "203.0.113.9"})

            assert caught.value.response.status_code == 429


async def test_over_the_rate_of_an_address_is_429(tmp_path: Path) -> None:
    """Handshakes, and the requests that take their place, are paced; commands of who is connected are not."""
    with InterfaceServer(tmp_path, handshakes_per_address=0.001, drain_seconds=0) as server:
        async with server.connect("/echo"):
            with pytest.raises(InvalidStatus) as caught:
                await server.connect("/echo")
            answers = [server.get(path) for path in ("/ws/poll", "/ws/sse/", "/ws/emulation", "/hello")]

    assert caught.value.response.status_code == 429
    assert [answer.status_code for answer in answers] == [429, 429, 200, 200]
    assert int(answers[0].headers["Retry-After"]) > 900


async def test_over_the_rate_of_the_process(tmp_path: Path) -> None:
    """HTTP transports are handshakes, too."""
    with InterfaceServer(tmp_path, handshakes_per_second=0.001, drain_seconds=0) as server:
        assert [server.get("/ws/sse").status_code for _ in range(2)] == [200, 503]
        assert server.state()["rejected"] == {"rate": 1}


async def test_upgrade_to_something_else_is_an_ordinary_request(tmp_path: Path) -> None:
    """It has no way around the cap."""
    with InterfaceServer(tmp_path, max_connections=1, drain_seconds=0) as server:
        async with server.connect("/echo"):
            headers = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": ""}

            assert server.get("/hello", headers=headers).status_code == 503


def test_who_sends_nothing_gives_way(tmp_path: Path) -> None:
    """Of more than may be about to send a request the one that waits longest is dropped; files run out for nobody."""
    with InterfaceServer(tmp_path, max_arriving=20, drain_seconds=0) as server, ExitStack() as stack:
        silent = [stack.enter_context(RawClient(server.port)) for _ in range(50)]

        assert [client.socket.recv(1) for client in silent[:29]] == [b""] * 29
        assert stack.enter_context(RawClient(server.port)).open("/echo")


async def test_crowd_is_taken_in(tmp_path: Path) -> None:
    """Three hundred that come at once are all connected: the backlog holds them."""
    with InterfaceServer(tmp_path, drain_seconds=0) as server:
        clients = await asyncio.gather(*(server.connect("/echo", open_timeout=10) for _ in range(300)))

        assert server.state()["opened"] == 300
        await asyncio.gather(*(client.close() for client in clients))


def test_port_in_use_is_an_error(tmp_path: Path) -> None:
    """A server that cannot listen exits with 1."""
    with InterfaceServer(tmp_path, drain_seconds=0) as server:
        second = subprocess.run(server.command, env=server.env, capture_output=True, timeout=20, check=False)

        assert second.returncode == 1
        assert b"Listen failure" in second.stderr


def test_out_of_file_descriptors_is_survived(tmp_path: Path) -> None:
    """When no socket can be opened the server says so, waits, and goes on when some were closed."""
    with InterfaceServer(tmp_path, drain_seconds=0) as server:
        assert server.process is not None
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (40, 40))
        clients = [RawClient(server.port) for _ in range(60)]
        for client in clients:
            client.send(client.request("/echo"))
        wait_until(lambda: "Cannot accept" in server.text, seconds=10, what="an error in the log")
        for client in clients[:40]:
            client.socket.close()

        assert b" 101 " in clients[-1].read_head()
        for client in clients[40:]:
            client.socket.close()
