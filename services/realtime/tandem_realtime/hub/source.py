"""Where live publications come from: Tandem's channel layer, or any other one of Channels'."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from tandem.layer import ChannelLayer
from tandem.publication import Publication, decode
from tandem_realtime.hub.tasks import Tasks

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.5

Message = dict[str, Any] | Publication
Receive = Callable[[str, Message], None]
Watch = Callable[[str, Sequence[str]], None]


class Source(Protocol):
    """Membership in groups, and a call for each of their messages."""

    async def join(self, group: str) -> None:
        """Be a member of *group* when this returns. Raises `RedisUnavailable`; the membership comes when Redis does."""

    async def leave(self, groups: Sequence[str]) -> None:
        """Stop receiving *groups*."""


def source_over(layer: Any, receive: Receive, received: Callable[[], None], watch: Watch, tasks: Tasks) -> Source:
    """
    Return the source for *layer*, whose work runs in *tasks*.

    *receive* is called with group and message, *received* when there are no more for now, and *watch* with ``lost`` or
    ``restored`` and groups.
    """
    if isinstance(layer, ChannelLayer):
        return LayerSource(layer, receive, received, watch)
    return ReceivingSource(layer, receive, received, watch, tasks)


class LayerSource:
    """Tandem's own layer: messages arrive in the call that reads the socket, losses are told."""

    def __init__(self, layer: ChannelLayer, receive: Receive, received: Callable[[], None], watch: Watch) -> None:
        self._layer = layer
        self._receive = receive
        layer.after_reads(received)
        layer.watch(watch)

    async def join(self, group: str) -> None:
        """Be a member of *group* when this returns."""
        await self._layer.listen([group], self._message)

    async def leave(self, groups: Sequence[str]) -> None:
        """Stop receiving *groups*."""
        await self._layer.unlisten(groups, self._message)

    def _message(self, group: str, raw: bytes) -> None:
        message: Message | None = decode(raw)
        if message is None:
            try:
                message = self._layer.deserialize(raw)
            except Exception:  # anybody can publish to a group; what msgpack raises is not one type
                logger.warning("hub.undecodable", extra={"group": group})
                return
        self._receive(group, message)


class ReceivingSource:
    """Any channel layer: one channel name and one receiving task for each group."""

    def __init__(self, layer: Any, receive: Receive, received: Callable[[], None], watch: Watch, tasks: Tasks) -> None:
        self._layer = layer
        self._receive = receive
        self._received = received
        self._watch = watch
        self._tasks = tasks
        self._members: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self._is_end_due = False

    async def join(self, group: str) -> None:
        """Be a member of *group* when this returns, as far as the layer can tell."""
        name = await self._layer.new_channel()
        await self._layer.group_add(group, name)
        self._members[group] = name, self._tasks.spawn(self._pump(group, name))

    async def leave(self, groups: Sequence[str]) -> None:
        """Stop receiving *groups*."""
        members = [(group, *self._members.pop(group)) for group in groups if group in self._members]
        for group, name, task in members:
            task.cancel()
            await self._layer.group_discard(group, name)

    async def _pump(self, group: str, name: str) -> None:
        while True:
            try:
                message = await self._layer.receive(name)
            except Exception as error:  # each layer has its own; what was sent meanwhile may be lost
                logger.warning("hub.source_failed", extra={"group": group, "reason": str(error)})
                await self._rejoin(group, name)
            else:
                self._receive(group, message)
                self._end_turn()

    def _end_turn(self) -> None:
        """Tell, when this turn of the event loop is over, that it has brought messages."""
        if not self._is_end_due:
            self._is_end_due = True
            asyncio.get_running_loop().call_soon(self._turn_ended)

    def _turn_ended(self) -> None:
        self._is_end_due = False
        self._received()

    async def _rejoin(self, group: str, name: str) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self._layer.group_add(group, name)
            except Exception as error:  # as above
                logger.warning("hub.source_failed", extra={"group": group, "reason": str(error)})
            else:
                self._watch("restored", [group])
                return
