"""When the server says no: 503 with Retry-After, counted, and nobody else feels it."""

from __future__ import annotations

import asyncio
import resource
import subprocess
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
    """More handshakes a second than allowed get 503; requests are not handshakes."""
    with InterfaceServer(tmp_path, handshakes_per_second=2, drain_seconds=0) as server:
        async with server.connect("/echo"), server.connect("/echo"):
            assert await refusal(server) == (503, "1")
            assert server.get("/hello").status_code == 200
            assert server.state()["rejected"] == {"rate": 1}
            await asyncio.sleep(1.1)  # a token's worth of the clock that the bucket reads
            async with server.connect("/echo"):
                pass


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
