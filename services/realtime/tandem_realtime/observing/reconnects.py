"""What the channel layer lost and has again: told to the log and counted once, however many connections it was."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from tandem.layer import ChannelLayer
from tandem_realtime.observing import metrics

TOGETHER_SECONDS = 0.1
"""What is lost within so long was lost together: every shard of a Redis, every bucket of a master."""

logger = logging.getLogger(__name__)


class Told(NamedTuple):
    """What was said of one event lately: of how many parts of the layer, and of how many groups."""

    parts: int = 0
    groups: int = 0


class Reconnects:
    """A watcher of the layer: each ``lost`` is a part of it, which the next ``restored`` has again."""

    def __init__(self) -> None:
        self._lost = 0
        self._told: dict[str, Told] = {}
        self._is_reconnect = False

    def __call__(self, event: str, groups: Sequence[str]) -> None:
        """Take note. A ``restored`` alone is a subscription that Redis confirmed late."""
        if not self._told:
            asyncio.get_running_loop().call_later(TOGETHER_SECONDS, self._tell)
        before = self._told.pop(event, Told())  # the one that came last is told last
        self._told[event] = Told(before.parts + 1, before.groups + len(groups))
        if event == "lost":
            self._lost += 1
        elif self._lost:
            self._lost -= 1
            self._is_reconnect = True

    def _tell(self) -> None:
        told, self._told = self._told, {}
        for event, said in told.items():
            logger.warning("layer.%s", event, extra=said._asdict())
        metrics.counts.layer_reconnects += self._is_reconnect
        self._is_reconnect = False


def observe_layer(layer: Any) -> None:
    """Tell of *layer* from now on, if it is ours: another one says nothing."""
    if isinstance(layer, ChannelLayer):
        layer.watch(Reconnects())
