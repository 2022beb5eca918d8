"""
Commands of clients on HTTP transports: from the process that received them to the one that holds the session.

Such a client hears through one long response and speaks through requests of their own, which may reach any process.
"""

from __future__ import annotations

import logging
import secrets
from typing import Any, Protocol

import msgspec

from tandem.async_shards import AsyncShards
from tandem.groups import layer_channel, publish_command, shard_for_group
from tandem_realtime.hub import Hub
from tandem_realtime.hub.tasks import Tasks

logger = logging.getLogger(__name__)


def group_of(node: str) -> str:
    """Return the group on which the process *node* gets the commands of its sessions."""
    return f"tandem.node.{node}"


class Receiver(Protocol):
    """Whoever takes commands."""

    async def receive(self, frame: str | bytes) -> None:
        """Carry out the commands of one frame."""


class Emulation:
    """The sessions of this process whose commands come by themselves, by a key that only their client knows."""

    def __init__(self, node: str, hub: Hub, shards: AsyncShards) -> None:
        self.node = node
        self._hub = hub
        self._shards = shards
        self._sessions: dict[str, Receiver] = {}
        self._tasks = Tasks()

    def start(self) -> None:
        """Begin to listen for what other processes hand over."""
        self._tasks.spawn(self._hub.handle(group_of(self.node), self._take))

    async def stop(self) -> None:
        """End the background work."""
        await self._tasks.stop()

    def add(self, session: Receiver) -> str:
        """Return the key by which *session* is known until `remove`."""
        key = secrets.token_urlsafe(24)
        self._sessions[key] = session
        return key

    def remove(self, key: str) -> None:
        """Take no more commands for the session *key*."""
        self._sessions.pop(key, None)

    async def hand_over(self, node: str, key: str, data: str | bytes) -> bool:
        """
        Hand commands to the session *key* of the process *node*; tell whether there is one.

        Of another process we only learn whether it is there. Where it has no such session the client's response has
        ended, which the client sees. Raises `RedisUnavailable`.
        """
        if node == self.node:
            return self._give(key, data)
        group = group_of(node)
        message = msgspec.msgpack.encode({"type": "emulation", "session": key, "data": data})
        client = self._shards.clients[shard_for_group(group, len(self._shards.clients))]
        return bool(await client.execute(*publish_command(layer_channel(group), message)))

    def _take(self, message: dict[str, Any]) -> None:
        match message:
            case {"type": "emulation", "session": str(key), "data": str() | bytes() as data}:
                self._give(key, data)
            case _:
                logger.warning("emulation.malformed")

    def _give(self, key: str, data: str | bytes) -> bool:
        session = self._sessions.get(key)
        if session is None:
            return False
        # Tasks start in the order in which they were made, and after connect a session takes a frame without waiting.
        self._tasks.spawn(session.receive(data))
        return True
