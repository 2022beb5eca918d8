"""One client as the hub and the clock know it: who it is, what it is subscribed to, what it is told, when it ends."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from tandem.publication import NOTHING, ClientInfo
from tandem.tokens import ConnectionClaims
from tandem_realtime.hub import Subscription
from tandem_realtime.observing.connection_log import CLOSED, OPENED, REFUSED, log
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import Disconnect
from tandem_realtime.protocol.dialects import Dialect
from tandem_realtime.protocol.encodings import Encoding
from tandem_realtime.session.expiry import GRACE_SECONDS, deadline, is_overdue
from tandem_realtime.session.shared import Shared

LIVE, STALE = "live", "stale"
"""Whether the server is sure that a client has all that there is."""


class Socket(Protocol):
    """Where the commands of a client come from, if it has a line of its own for them."""

    is_open: bool

    def write_pieces(self, frames: Sequence[bytes]) -> None:
        """Send whole frames in pieces, which are not copied together."""

    def cork(self) -> None:
        """Have what is written wait for `uncork`."""

    def uncork(self) -> None:
        """Send what was written since `cork`."""

    def unread_until(self) -> float:
        """Tell until when, by the monotonic clock, the client was last made to wait by not reading it."""


def new_client() -> str:
    """Return a random UUID (RFC 9562, version 4), for a tenth of what one as an object costs."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


class FollowUp(NamedTuple):
    """What comes behind an answer: frames in the connection's encoding, made when they go out, and their size."""

    frames: Callable[[], list[bytes]]
    size: int


class Subscriber:
    """
    A client, without its commands.

    *write* sends bytes that *encoding* made; *close* ends the connection with a code and a reason. `connection_lost`
    must be called when it has ended, whoever ended it. *socket* is what there is to know of where its commands come
    from; *write_later* takes what is long, to make it when it goes out. What it is changes here alone; whoever else has
    one calls it.
    """

    __slots__ = (
        "_frame_state",
        "_next_ping",
        "_pong_by",
        "_rest",
        "_socket",
        "_tasks",
        "_unsure",
        "_write_later",
        "address",
        "client",
        "close",
        "encoding",
        "expires",
        "generation",
        "info",
        "is_connected",
        "is_gone",
        "is_plain",
        "key",
        "login",
        "opened_at",
        "runtime",
        "slot",
        "subscriptions",
        "token",
        "user",
        "write",
    )

    def __init__(
        self,
        runtime: Shared,
        encoding: Encoding,
        write: Callable[[bytes], None],
        close: Callable[[int, str], None],
        *,
        is_plain: bool = False,
        address: str = "",
        socket: Socket | None = None,
        write_later: Callable[[FollowUp], None] | None = None,
    ) -> None:
        self.runtime = runtime
        self.encoding = encoding
        self.write = write
        self.close = close
        self.is_plain = is_plain
        self.address = address
        self.opened_at = 0.0
        self.client = new_client()
        self.key = ""
        self.user = ""
        self.login = ""
        self.generation = 0
        self.token = ""
        self.info = b""
        self.expires = 0.0
        self.subscriptions: dict[str, Subscription] = {}
        self.is_connected = False
        self.is_gone = False
        self.slot = 0
        self._pong_by = 0.0
        self._next_ping = 0.0
        self._socket = socket
        self._write_later = write_later
        self._tasks: set[asyncio.Task[None]] | None = None
        self._frame_state: Callable[[str], bytes] | None = None
        self._unsure: set[str] | None = None
        self._rest: list[FollowUp] | None = None
        runtime.wheel.schedule(self, time.monotonic() + runtime.options.connect_seconds)

    @property
    def dialect(self) -> Dialect:
        """What the client speaks."""
        return self.encoding.dialect

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *work* until the connection ends."""
        self._tasks = self._tasks or set()
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def take_turn(self) -> None:
        """Wait for one's turn, where the present one has lasted long enough."""
        if self.runtime.surplus.is_turn_over():
            self.uncork()
            await self.runtime.surplus.turn()

    # What it is subscribed to

    def keep(self, subscription: Subscription) -> None:
        """Have a subscription, begun or on its way; another one to the same channel is not its own any more."""
        self.subscriptions[subscription.channel] = subscription

    def drop(self, subscription: Subscription, *, is_final: bool = False) -> None:
        """Have a subscription no more, if it ever began. A *final* end is not a cut that may heal in a moment."""
        if self.subscriptions.get(subscription.channel) is subscription:
            del self.subscriptions[subscription.channel]
            self.trust_changed(subscription, is_sure=True)
        self.runtime.hub.unsubscribe(subscription)
        self.runtime.presence.left(subscription.channel, self.client, self.user, is_final=is_final)

    def _end_expired(self, now: float) -> None:
        """End the subscriptions whose tokens ran out and were not refreshed."""
        for subscription in list(self.subscriptions.values()):
            if is_overdue(subscription.expires, now):
                self.end_subscription(subscription, codes.BY_EXPIRY)

    # What the client hears

    def send(self, text: bytes) -> None:
        """Send one reply or push of the client's dialect."""
        if not self.is_gone:
            self.write(self.encoding.wrap(text))

    def cork(self) -> None:
        """Have what is sent wait for `uncork`, where the connection can, and go out together."""
        if self._socket is not None:
            self._socket.cork()

    def uncork(self) -> None:
        """Send what was to wait."""
        if self._socket is not None:
            self._socket.uncork()

    def send_pieces(self, message: list[bytes]) -> int:
        """Send one reply in pieces; return how many bytes it has."""
        self._write_pieces(self.encoding.framed(message))
        return sum(map(len, message))

    def _write_pieces(self, frames: list[bytes]) -> None:
        if self.is_gone:
            return
        if self._socket is not None and self.encoding.head is not None:
            self._socket.write_pieces(frames)
        else:
            self.write(b"".join(frames))

    def follow_up(self, page: FollowUp) -> None:
        """Have *page* sent right behind the answer that is being made."""
        self._rest = self._rest or []
        self._rest.append(page)

    def forget_rest(self) -> None:
        """Send none of it: the answer is an error."""
        self._rest = None

    def send_rest(self) -> int:
        """Send what was to come behind an answer, which was sent; return about how many bytes that is."""
        if self._rest is None:
            return 0
        rest, self._rest = self._rest, None
        for page in rest:
            if self._write_later is not None and not self.is_gone:
                self._write_later(page)
            else:
                self._write_pieces(page.frames())
        return sum(page.size for page in rest)

    def hear_states(self, frame: Callable[[str], bytes]) -> None:
        """Tell a page without an SDK, too, whether what it hears is all that there is: what *frame* makes of it."""
        self._frame_state = frame

    def trust_changed(self, subscription: Subscription, *, is_sure: bool) -> None:
        """Tell the client that it may be stale, or live again, when that is the first or last of its channels."""
        if is_sure and self._unsure is None:
            return
        unsure = self._unsure or set()
        was_unsure = bool(unsure)
        (unsure.discard if is_sure else unsure.add)(subscription.channel)
        self._unsure = unsure or None
        if was_unsure == bool(unsure) or self.is_gone:
            return
        state = STALE if unsure else LIVE
        if self._frame_state is not None:
            self.write(self._frame_state(state))
        elif not self.is_plain:
            self.send(self.dialect.push_message(b'{"type":"tandem.state","state":"%s"}' % state.encode()))

    @property
    def _hears_states(self) -> bool:
        return not self.is_plain or self._frame_state is not None

    def disconnect(self, why: Disconnect, *, because: str = "", **told: str) -> None:
        """End the connection, telling why; *because*, and what else is *told* where it never began, is for the log."""
        if self.is_gone:
            return
        reason = f"{why.reason}: {because}" if because else why.reason
        if not self.is_connected:
            self.log(REFUSED, reason, code=why.code, **told)
        self.close(why.code, why.reason)
        self.connection_lost(why.code, reason)

    def end_subscription(self, subscription: Subscription, why: codes.Unsubscribed) -> None:
        """End one subscription, telling why; only then may the connection call itself live without it."""
        self.send(self.dialect.push_unsubscribe(subscription.channel, why))
        self.drop(subscription, is_final=why == codes.BY_SERVER)

    def state_lost(self, subscription: Subscription) -> None:
        """Make the client come back with its position, and so learn whether it is whole."""
        if self.is_plain or subscription.is_server_side:
            has_history = self.runtime.namespaces.of(subscription.channel).has_history
            # Without one there is nothing to come back for: that it was stale, and is live, says it all.
            if has_history or not self._hears_states:
                self.disconnect(codes.INSUFFICIENT_STATE)
        else:
            self.end_subscription(subscription, codes.STATE_LOST)

    def connection_lost(self, code: int = 1006, reason: str = "") -> None:
        """Forget everything about this client, whose connection ended with *code*."""
        if self.is_gone:
            return
        self.is_gone = True
        if self.opened_at:
            self.log(CLOSED, reason, code=code, seconds=round(time.monotonic() - self.opened_at, 1))
        self.runtime.wheel.cancel(self)
        self.runtime.sessions.remove(self)
        self.runtime.emulation.remove(self.key)
        for subscription in list(self.subscriptions.values()):
            self.drop(subscription)
        for task in self._tasks or ():
            task.cancel()

    # The log

    def opened(self) -> None:
        """Have it logged that this client is here, and, in the end, gone. Of one too many of a user the oldest goes."""
        self.opened_at = time.monotonic()
        self.log(OPENED)
        most = self.runtime.options.max_connections_per_user
        if most and self.user and self.runtime.sessions.count_of(self.user) > most:
            opened = [each for each in self.runtime.sessions.of_user(self.user) if each.opened_at]
            min(opened, key=lambda each: each.opened_at).disconnect(codes.CONNECTION_LIMIT)

    def log(self, event: str, reason: str = "", *, user: str = "", **more: Any) -> None:
        """Tell the log of the connections what happened to this one."""
        log.tell(event, reason, user=user or self.user, address=self.address, client=self.client, **more)

    # Time

    def identify(self, claims: ConnectionClaims) -> None:
        """Say whose connection this is. From now on it can be ended for what becomes of that user or login."""
        self.runtime.sessions.remove(self)
        self.user, self.login, self.generation, self.token = claims.sub, claims.sid, claims.gen, claims.jti
        self.info, self.expires = bytes(claims.info), deadline(claims.exp, self.runtime.clock.now())
        if not self.is_gone:
            self.runtime.sessions.add(self)

    def expire_at(self, moment: int) -> None:
        """Let the connection run out at *moment*, in seconds since 1970; 0 for never."""
        self.expires = deadline(moment, self.runtime.clock.now())
        self.reschedule()

    def start(self) -> None:
        """Begin to ping: the client is connected."""
        self.is_connected = True
        self._next_ping = time.monotonic() + self.runtime.options.ping_seconds
        self.reschedule()

    def reschedule(self) -> None:
        """Be ticked at whatever is due next."""
        if not self.is_gone:
            self.runtime.wheel.schedule(self, self._due())

    def has_ponged(self) -> None:
        """Take note that the client is there."""
        self._pong_by = 0.0

    def tick(self, now: float) -> float:
        """Ping, and end what is overdue; return when to look again."""
        if not self.is_connected:
            self.disconnect(codes.STALE)
        elif self._pong_by and now >= self._pong_by and not self._has_more_time():
            self.disconnect(codes.NO_PONG)
        elif is_overdue(self.expires, now):
            self.disconnect(codes.EXPIRED)
        if self.is_gone:
            return 0.0
        self._end_expired(now)
        if not self._pong_by and now >= self._next_ping:
            self._pong_by = 0.0 if self.is_plain else now + self.runtime.options.pong_seconds
            self._next_ping = now + self.runtime.options.ping_seconds
            self.write(self.encoding.ping if self.encoding.beat is None else self.encoding.beat())
        return self._due()

    def _due(self) -> float:
        due = self._pong_by or self._next_ping
        if self.expires:
            due = min(due, self.expires + GRACE_SECONDS)
        for subscription in self.subscriptions.values():
            if subscription.expires:
                due = min(due, subscription.expires + GRACE_SECONDS)
        return due

    def _has_more_time(self) -> bool:
        """Give a client its seconds anew that was left unread: its pong may have come long ago."""
        if self._socket is None:
            return False
        self._pong_by, by = self._socket.unread_until() + self.runtime.options.pong_seconds, self._pong_by
        return self._pong_by > by

    def client_info(self, subscription: Subscription | None = None) -> bytes:
        """Encode who this client is, as the others see it."""
        conn_info = msgspec.Raw(self.info) if self.info else NOTHING
        chan_info = msgspec.Raw(subscription.info) if subscription is not None and subscription.info else NOTHING
        return msgspec.json.encode(ClientInfo(self.user, self.client, conn_info, chan_info))
