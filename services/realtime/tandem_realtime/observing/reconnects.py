"""What the channel layer lost and has again: told to the log and counted once, however many hubs listen to it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from tandem.layer import ChannelLayer
from tandem_realtime.observing import metrics

logger = logging.getLogger(__name__)


class Reconnects:
    """A watcher of the layer: each ``lost`` is a connection, which the next ``restored`` has again."""

    def __init__(self) -> None:
        self._lost = 0

    def __call__(self, event: str, groups: Sequence[str]) -> None:
        """Take note. A ``restored`` alone is a subscription that Redis confirmed late."""
        logger.warning("layer.%s", event, extra={"groups": len(groups)})
        if event == "lost":
            self._lost += 1
        elif self._lost:
            self._lost -= 1
            metrics.counts.layer_reconnects += 1


def observe_layer(layer: Any) -> None:
    """Tell of *layer* from now on, if it is ours: another one says nothing."""
    if isinstance(layer, ChannelLayer):
        layer.watch(Reconnects())
