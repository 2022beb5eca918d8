"""The connection that messages come in on: subscribes, and tells confirmations from messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tandem.redis.commands import pack
from tandem.redis.connection import Connection
from tandem.redis.run import QUESTIONS

BUSY_SECONDS = 0.004
HOLD_SECONDS = 0.001


class PubSubConnection(Connection):
    """
    A connection in subscriber mode (RESP2).

    *on_message* gets the name and the payload of each message, *on_answer* the name of each confirmed SUBSCRIBE or
    UNSUBSCRIBE, in the order in which Redis carried them out; *on_read* is called when all that came in one read has
    been told. Each is called from `data_received`.

    Waking up costs more than a message does. So while reads come less than `BUSY_SECONDS` apart, the next one waits for
    `HOLD_SECONDS`, and finds more than one message: what network cards do with their interrupts.
    """

    questions = QUESTIONS[:2]  # a list in reply would be a message
    subscribe_verb, unsubscribe_verb, message_kind = "SUBSCRIBE", "UNSUBSCRIBE", b"message"

    def __init__(
        self,
        *,
        on_message: Callable[[bytes, bytes], None],
        on_answer: Callable[[bytes], None],
        on_read: Callable[[], None],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._on_message = on_message
        self._on_answer = on_answer
        self._on_read = on_read
        self._unanswered = 0
        self._asked_at = 0.0
        self._read_at = 0.0

    def data_received(self, data: bytes) -> None:
        """Read messages and answers, and hold back the next read when they come fast."""
        try:
            super().data_received(data)
        finally:
            self._on_read()
        if self._heard - self._read_at < BUSY_SECONDS and self._transport is not None:
            self._transport.pause_reading()
            self._loop.call_later(HOLD_SECONDS, self._read_on)
        self._read_at = self._heard

    def _read_on(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def subscribe(self, names: Sequence[bytes]) -> None:
        """Subscribe to *names* in one command; each is answered on its own."""
        self._ask(self.subscribe_verb, names)

    def unsubscribe(self, names: Sequence[bytes]) -> None:
        """Unsubscribe from *names* in one command; each is answered on its own."""
        self._ask(self.unsubscribe_verb, names)

    def _ask(self, verb: str, names: Sequence[bytes]) -> None:
        if not names:  # to Redis, UNSUBSCRIBE without a name means all of them
            return
        if not self._unanswered:
            self._asked_at = self._now()
        self._unanswered += len(names)
        self.write(pack((verb, *names)))
        self.expect_by(self._now() + self.timeout)

    def reply_received(self, reply: Any) -> None:
        """Sort *reply*: message, confirmation, pong, or the reply to a command of the greeting."""
        if type(reply) is not list:
            if isinstance(reply, Exception) and not self._pending:
                self.lose(f"cannot subscribe: {reply}")
            else:
                super().reply_received(reply)
            return
        kind = reply[0]
        if kind == self.message_kind:
            self._on_message(reply[1], reply[2])
        elif kind == b"pong":
            super().reply_received(reply)
        else:
            self._unanswered -= 1
            self._on_answer(reply[1])

    def due_since(self) -> float | None:
        """Return since when an answer is due. Messages that keep coming are a sign of life, however late the answer."""
        if self._unanswered > 0:
            return max(self._asked_at, self._heard)
        since = super().due_since()
        return None if since is None else max(since, self._heard)
