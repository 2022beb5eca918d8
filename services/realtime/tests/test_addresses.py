"""Where the service listens and what it answers at paths that are nobody's."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from rig.pair import Pair, Realtime
from tests.server_process import RawClient


@pytest.mark.parametrize("path", ["/ws/nothing/", "/ws/uni/x", "/ws//"])
def test_unknown_socket_path_is_404_and_no_traceback(pair: Pair, path: str) -> None:
    """Anybody can ask for one: that is no error of ours."""
    with RawClient(pair.here.port) as client:
        client.send(client.request(path))
        head = client.read_head()

    assert head.startswith(b"HTTP/1.1 404 Not Found")
    assert pair.here.log is not None
    assert "Traceback" not in pair.here.log.read_text()


@pytest.mark.parametrize("target", ["http://test/ws/", "HTTPS://test:443/ws/?x=1"])
def test_absolute_target_is_its_path(pair: Pair, target: str) -> None:
    """As proxies may send it (RFC 9112, section 3.2.2)."""
    with RawClient(pair.here.port) as client:
        client.send(client.request(target))

        assert b" 101 " in client.read_head()


@pytest.mark.parametrize("host", ["::", "[::]"])
def test_listens_on_ipv6(redis_url: str, tmp_path: Path, host: str) -> None:
    """A cluster may have nothing else."""
    process = Realtime(redis_url, tmp_path, {"TANDEM_BIND_HOST": host})
    with process, socket.create_connection(("::1", process.port), 5) as connection:
        assert connection.getpeername()[0] == "::1"
