"""The connection that messages come in on in a cluster: sharded pub/sub."""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any

from tandem.errors import RedisReplyError
from tandem.redis.pubsub import PubSubConnection

MOVED_AWAY = "a slot was moved away"


class ShardedConnection(PubSubConnection):
    """
    A connection that hears one master. The names of one command are all of one bucket.

    An answer to SUNSUBSCRIBE that nobody asked for means that the slot has gone elsewhere, and with it what was
    subscribed to: then the connection counts as lost. *on_moved* gets the text of a MOVED, before that is so, too.
    """

    subscribe_verb, unsubscribe_verb, message_kind = "SSUBSCRIBE", "SUNSUBSCRIBE", b"smessage"

    def __init__(self, *, on_moved: Callable[[str], None], **options: Any) -> None:
        super().__init__(**options)
        self._on_moved = on_moved
        self._leaving: collections.Counter[bytes] = collections.Counter()

    def unsubscribe(self, names: Sequence[bytes]) -> None:
        """Unsubscribe from *names*, and expect an answer for each."""
        self._leaving.update(names)
        super().unsubscribe(names)

    def reply_received(self, reply: Any) -> None:
        """Tell what was asked for from what was not."""
        if isinstance(reply, RedisReplyError) and reply.code == "MOVED":
            self._on_moved(reply.text)
        elif type(reply) is list and reply[0] == b"sunsubscribe":
            name = reply[1]
            if not self._leaving[name]:
                self.lose(MOVED_AWAY)
                return
            self._leaving[name] -= 1
            if not self._leaving[name]:
                del self._leaving[name]
        super().reply_received(reply)
