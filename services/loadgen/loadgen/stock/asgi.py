"""``daphne loadgen.stock.asgi:application``."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loadgen.stock.settings")
django_application = get_asgi_application()

from .consumers import ChatConsumer  # noqa: E402  # Channels wants Django set up before consumers are imported

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": URLRouter([path("ws/<str:room>/", ChatConsumer.as_asgi())]),
    }
)
