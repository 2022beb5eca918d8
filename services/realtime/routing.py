"""Which path is which consumer. A team's own consumers mount beside these: TANDEM_URLPATTERNS."""

from __future__ import annotations

from django.conf import settings
from django.urls import path
from django.utils.module_loading import import_string

from realtime.consumers.websocket import OneWayConsumer, WebSocketConsumer

websocket_urlpatterns = [
    path("ws/", WebSocketConsumer.as_asgi()),
    path("ws/uni/", OneWayConsumer.as_asgi()),
    *(import_string(settings.TANDEM_URLPATTERNS) if settings.TANDEM_URLPATTERNS else []),
]
