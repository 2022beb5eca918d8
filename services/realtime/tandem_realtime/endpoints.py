"""Where browsers connect, as metrics name it: a path that anybody can choose never becomes a label."""

from __future__ import annotations

ENDPOINTS = ("/ws/", "/ws/uni/", "/ws/http_stream", "/ws/sse", "/ws/sse/", "/ws/poll/")
CUSTOM = "custom"
WEBSOCKET = "websocket"
_STREAMS = {"/ws/http_stream": "http_stream", "/ws/sse": "sse", "/ws/sse/": "sse", "/ws/poll/": "poll"}
TRANSPORTS = (WEBSOCKET, "http_stream", "sse", "poll")


def is_ours(path: bytes) -> bool:
    """Tell whether *path*, as the request has it, is the realtime service's own: /ws, and all that is below it."""
    path = path.partition(b"?")[0]
    return path == b"/ws" or path.startswith(b"/ws/")


def takes_body(path: bytes) -> bool:
    """Tell whether a request to *path*, which is ours, has a body that somebody reads."""
    return path.partition(b"?")[0].rstrip(b"/") in (b"/ws/http_stream", b"/ws/emulation")


def is_transport(path: bytes) -> bool:
    """Tell whether a request to *path* opens what takes the place of a socket."""
    return path.rstrip(b"/") in (b"/ws/http_stream", b"/ws/sse", b"/ws/poll")


def is_command(path: bytes) -> bool:
    """Tell whether a request to *path* is a command of a client that is connected by another one."""
    return path.rstrip(b"/") == b"/ws/emulation"


def endpoint_of(path: str) -> str:
    """Return which of ENDPOINTS *path* is, a slash at the end more or less; CUSTOM for a team's own routes."""
    if path in ENDPOINTS:
        return path
    spellings = path, path + "/", path.rstrip("/")
    return next((spelling for spelling in spellings if spelling in ENDPOINTS), CUSTOM)


def stream_transport_of(path: str) -> str:
    """Return the transport of a streaming HTTP response at *path*."""
    return _STREAMS.get(endpoint_of(path), "http_stream")
