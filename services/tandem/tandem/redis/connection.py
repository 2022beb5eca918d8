"""One connection to Redis, from greeting to loss: commands out, replies in. It never reconnects; see `link`."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Callable
from typing import Any, cast

import hiredis

from tandem.errors import RedisReplyError, RedisUnavailable, reply_error
from tandem.redis.commands import Command, pack
from tandem.redis.keepalive import IDLE_SECONDS, Step, next_step
from tandem.redis.run import QUESTIONS, UNKNOWN

NOT_YET = object()
LATE_SECONDS = 0.1
DEMOTED = "it is a read-only replica now"


class Connection(asyncio.Protocol):
    """
    Pipeline commands to one Redis: replies come in the order of the commands, so a queue of futures pairs them.

    Everything submitted in one turn of the loop is written at once. One timer serves all commands: when the oldest
    has waited for *timeout*, the connection counts as lost, so that a late reply can never meet the wrong command.
    *on_lost* is called once, synchronously, with the connection and the reason.
    """

    questions = QUESTIONS
    """What is asked of Redis after the greeting."""

    def __init__(
        self, *, label: str, timeout: float, on_lost: Callable[[Connection, str], None], idle: float = IDLE_SECONDS
    ) -> None:
        self.label = label
        self.timeout = timeout
        self.idle = idle
        self.is_open = False
        self.run = UNKNOWN
        self.closed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._heard = self._now()
        self._on_lost = on_lost
        self._pending: collections.deque[tuple[asyncio.Future[Any], float]] = collections.deque()
        self._outgoing: list[bytes] = []
        self._reader = hiredis.Reader(replyError=reply_error, notEnoughData=NOT_YET)
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def request(self, packed: bytes, future: asyncio.Future[Any], since: float) -> None:
        """Send one packed command that counts as waiting *since* then; its reply goes to *future*."""
        if not self.is_open:
            _settle(future, RedisUnavailable(f"Redis at {self.label}: the connection is closed"))
            return
        self._pending.append((future, since))
        self.write(packed)
        self.expect_by(since + self.timeout)

    def execute(self, command: Command) -> asyncio.Future[Any]:
        """Send *command* and return the future of its reply."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self.request(pack(command), future, self._now())
        return future

    def write(self, packed: bytes) -> None:
        """Write *packed* with everything else of this turn of the loop."""
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(packed)

    def _flush(self) -> None:
        if self.is_open and self._transport is not None:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are not, but behave as such
        self.is_open = True
        self._heard = self._now()
        self._look_at(self._heard + self.idle)

    def data_received(self, data: bytes) -> None:
        self._heard = self._now()
        reader = self._reader
        reply_received = self.reply_received
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not NOT_YET:
                reply_received(reply)
        except hiredis.ProtocolError as error:
            self.lose(f"not the Redis protocol: {error}")

    def reply_received(self, reply: Any) -> None:
        """Hand *reply* to the oldest command that waits."""
        if not self._pending:
            self.lose(f"a reply that nobody asked for: {reply!r:.80}")
            return
        _settle(self._pending.popleft()[0], reply)
        if isinstance(reply, RedisReplyError) and reply.code == "READONLY":
            # The master became a replica under us: connecting again finds the new master.
            self.lose(DEMOTED)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lose(f"connection lost: {exc}" if exc else "closed by Redis")
        self.closed.set()

    # Timeouts

    def due_since(self) -> float | None:
        """Return since when the oldest reply is due, or None if none is."""
        return self._pending[0][1] if self._pending else None

    def ping(self) -> None:
        """Ask Redis for a sign of life."""
        self.execute(("PING",)).add_done_callback(_forget)

    def expect_by(self, when: float) -> None:
        """See to it that the timer looks at the connection no later than *when*."""
        if self._timer is None or self._timer.when() > when:
            self._look_at(when)

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._look, when)

    def _look(self, when: float) -> None:
        self._timer = None
        now = self._now()
        step, again = next_step(
            now, heard=self._heard, due_since=self.due_since(), timeout=self.timeout, idle=self.idle
        )
        if step is Step.GIVE_UP and now - when > LATE_SECONDS:
            # This process was held up, not Redis: read first what has been waiting in the socket.
            again = now + LATE_SECONDS / 2
        elif step is Step.GIVE_UP:
            self.lose(f"no answer for {self.timeout:g} s")
            return
        elif step is Step.PING:
            self.ping()
        self.expect_by(again)

    def lose(self, reason: str) -> None:
        """Give the connection up: every waiting command fails now, and *on_lost* is told."""
        if not self.is_open:
            return
        self.is_open = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()
        while self._pending:
            _settle(self._pending.popleft()[0], RedisUnavailable(f"Redis at {self.label}: {reason}"))
        self._on_lost(self, reason)


def _settle(future: asyncio.Future[Any], reply: Any) -> None:
    if future.done():  # whoever waited was cancelled; the reply had to be read all the same
        return
    if isinstance(reply, Exception):
        future.set_exception(reply)
    else:
        future.set_result(reply)


def _forget(future: asyncio.Future[Any]) -> None:
    """Mark the outcome of *future* as seen: the connection itself acts on a ping without answer."""
    if not future.cancelled():
        future.exception()
