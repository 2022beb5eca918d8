"""Which path is which consumer. A team's own consumers mount beside these: TANDEM_URLPATTERNS."""

from __future__ import annotations

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import URLPattern, path, re_path
from django.utils.module_loading import import_string

from tandem import conf
from tandem_realtime.consumers.emulation import EmulationConsumer
from tandem_realtime.consumers.http_stream import HttpStreamConsumer
from tandem_realtime.consumers.poll import PollConsumer
from tandem_realtime.consumers.sse import SseConsumer
from tandem_realtime.consumers.websocket import OneWayConsumer, WebSocketConsumer


def _either(route: str, consumer: Any) -> list[URLPattern]:
    """Serve *route* with a slash at its end and without: not every client can be taught which it is."""
    return [path(route, consumer), path(route + "/", consumer)]


http_urlpatterns = [
    *_either("ws/http_stream", HttpStreamConsumer.as_asgi()),
    *_either("ws/sse", SseConsumer.as_asgi()),
    *_either("ws/emulation", EmulationConsumer.as_asgi()),
    *_either("ws/poll", PollConsumer.as_asgi()),
]
websocket_urlpatterns = [
    *_either("ws", WebSocketConsumer.as_asgi()),
    *_either("ws/uni", OneWayConsumer.as_asgi()),
    *(import_string(conf.settings().urlpatterns) if conf.settings().urlpatterns else []),
]


def application_beside(other_paths: Any) -> ProtocolTypeRouter:
    """Return the application that serves the sockets, and lets *other_paths* answer every other request."""
    return ProtocolTypeRouter(
        {
            "websocket": URLRouter([*websocket_urlpatterns, re_path("", no_such_socket)]),
            "http": URLRouter([*http_urlpatterns, re_path("", other_paths)]),
        }
    )


async def no_such_socket(scope: dict[str, Any], receive: Any, send: Any) -> Any:
    """Refuse a socket at a path that nobody serves: with 404 where the server can, else with what it has for that."""
    if "websocket.http.response" in (scope.get("extensions") or {}):
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"Not found\n"})
    else:
        await send({"type": "websocket.close", "code": 4404, "reason": "not found"})
