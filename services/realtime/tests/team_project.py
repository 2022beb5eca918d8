"""A team's own consumer, as it would stand in their project: mounted beside ours by TANDEM_URLPATTERNS."""

from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path


class ChatConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Say to everybody what one says: the plain Channels way, over the same layer."""

    async def connect(self) -> None:
        """Join the group."""
        await self.channel_layer.group_add("team.chat", self.channel_name)
        await self.accept()

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Pass it on."""
        await self.channel_layer.group_send("team.chat", {"type": "chat.message", "text": content})

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Tell this client."""
        await self.send_json(event["text"])

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard("team.chat", self.channel_name)


class WhoConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Tell a client who it is."""

    async def connect(self) -> None:
        """Show what the scope has."""
        await self.accept()
        await self.send_json({name: self.scope[name] for name in ("client", "scheme", "root_path")})


websocket_urlpatterns = [path("ws/chat/", ChatConsumer.as_asgi()), path("ws/who/", WhoConsumer.as_asgi())]
