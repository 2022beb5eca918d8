"""What a URL says about a server."""

from __future__ import annotations

import pytest

from loadgen.target import Target


def test_address_and_path() -> None:
    """Host, port and path come from the URL; the handshake asks for the path."""
    target = Target("ws://127.0.0.1:8100/ws/?a=b")

    assert target.address == ("127.0.0.1", 8100)
    assert target.opening(0, "c").startswith(b"GET /ws/?a=b HTTP/1.1\r\nHost: 127.0.0.1:8100\r\n")


def test_by_path() -> None:
    """A URL with {channel} subscribes by its path."""
    target = Target("ws://h/room/{channel}/")

    assert target.by_path
    assert target.opening(0, "c").startswith(b"GET /room/c/ HTTP/1.1")
    assert target.address == ("h", 80)


@pytest.mark.parametrize("url", ["wss://h/", "http://h/", "h:80"])
def test_only_plain_websockets(url: str) -> None:
    """Anything but ws:// is refused with what was expected."""
    with pytest.raises(ValueError, match=r"expected ws://host\[:port\]/path"):
        Target(url)
