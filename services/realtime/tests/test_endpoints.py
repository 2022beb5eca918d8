"""Paths as metrics and limits see them."""

from __future__ import annotations

import pytest

from tandem_realtime.endpoints import endpoint_of, is_command, is_ours, stream_transport_of


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/ws/", "/ws/"),
        ("/ws", "/ws/"),
        ("/ws/uni", "/ws/uni/"),
        ("/ws/sse", "/ws/sse"),
        ("/ws/sse/", "/ws/sse/"),
        ("/ws/http_stream/", "/ws/http_stream"),
        ("/ws/poll", "/ws/poll/"),
        ("/ws/chat/7", "custom"),
        ("/", "custom"),
    ],
)
def test_endpoint_with_a_slash_or_without(path: str, endpoint: str) -> None:
    """One label for one endpoint, and no label that a client can choose."""
    assert endpoint_of(path) == endpoint


def test_transport_of_a_stream() -> None:
    """Whichever way its path is spelled."""
    paths = ("/ws/sse", "/ws/sse/", "/ws/poll", "/ws/http_stream/")

    assert [stream_transport_of(path) for path in paths] == ["sse", "sse", "poll", "http_stream"]


def test_which_bodies_are_bounded_and_which_requests_always_taken() -> None:
    """A team's own HTTP app beside ours keeps its uploads."""
    assert [is_ours(path) for path in (b"/ws/poll/?channel=x", b"/upload", b"/wsx")] == [True, False, False]
    assert [is_command(path) for path in (b"/ws/emulation", b"/ws/emulation/", b"/ws/sse")] == [True, True, False]
