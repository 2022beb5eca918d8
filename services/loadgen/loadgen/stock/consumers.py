"""The consumer of the Channels tutorial: one a socket, each a member of its group."""

from __future__ import annotations

import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no annotations
    """Send every message of the group to the socket."""

    async def connect(self) -> None:
        """Join the group that the path names."""
        self.group = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        """Leave the group."""
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Pass a message on."""
        await self.send(text_data=json.dumps({"message": event["message"]}))
