"""One client: its commands in, replies and pushes out."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tandem.errors import InvalidChannel, RedisReplyError, RedisUnavailable, UnknownNamespace
from tandem.publication import NOTHING, ClientInfo
from tandem.tokens import ConnectionClaims
from tandem_realtime.hub import Subscription
from tandem_realtime.observing import metrics
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError, Disconnect, DisconnectClient, Error
from tandem_realtime.protocol.commands import Command, method_of
from tandem_realtime.protocol.dialects import Dialect
from tandem_realtime.protocol.encodings import Encoding
from tandem_realtime.protocol.unserved import refuse_unserved
from tandem_realtime.session import channels, connecting, subscribing
from tandem_realtime.session.expiry import GRACE_SECONDS, deadline, is_overdue
from tandem_realtime.session.pace import Pace, Verdict
from tandem_realtime.session.turns import Act, Later, Turns

if TYPE_CHECKING:
    from tandem_realtime.runtime import Runtime

logger = logging.getLogger(__name__)

HANDLERS: dict[str, Callable[[Any, Any], Any]] = {
    "connect": connecting.connect,
    "refresh": connecting.refresh,
    "subscribe": subscribing.subscribe,
    "unsubscribe": subscribing.unsubscribe,
    "sub_refresh": subscribing.sub_refresh,
    "publish": channels.publish,
    "history": channels.history,
    "presence": channels.presence,
    "presence_stats": channels.presence_stats,
    "rpc": channels.rpc,
    "ping": connecting.ping,
}
WAITING = {method for method, handle in HANDLERS.items() if inspect.iscoroutinefunction(handle)}
"""What cannot be answered at once."""

LIVE, STALE = "live", "stale"
"""Whether the server is sure that a client has all that there is."""


class Session:
    """
    Serve one client.

    *write* sends bytes that *encoding* made; *close* ends the connection with a code and a reason. `connection_lost`
    must be called when it has ended, whoever ended it.
    """

    __slots__ = (
        "_awaits_pong",
        "_frame_state",
        "_next_ping",
        "_pace",
        "_rest",
        "_tasks",
        "_turns",
        "_unsure",
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
        "runtime",
        "slot",
        "subscriptions",
        "token",
        "user",
        "write",
    )

    def __init__(
        self,
        runtime: Runtime,
        encoding: Encoding,
        write: Callable[[bytes], None],
        close: Callable[[int, str], None],
        *,
        is_plain: bool = False,
    ) -> None:
        self.runtime = runtime
        self.encoding = encoding
        self.write = write
        self.close = close
        self.is_plain = is_plain
        self.client = str(uuid.uuid4())
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
        self._awaits_pong = False
        self._next_ping = 0.0
        self._pace: Pace | None = None
        self._tasks: set[asyncio.Task[None]] | None = None
        self._turns: Turns | None = None
        self._frame_state: Callable[[str], bytes] | None = None
        self._unsure: set[str] | None = None
        self._rest: list[bytes] | None = None
        runtime.wheel.schedule(self, time.monotonic() + runtime.options.connect_seconds)

    @property
    def dialect(self) -> Dialect:
        """What the client speaks."""
        return self.encoding.dialect

    # What the client says

    async def receive(self, frame: str | bytes) -> None:
        """Carry out the commands of one frame. What must wait for Redis holds up what is about the same channel."""
        try:
            for command in self.dialect.decode_frame(frame):
                if self.is_gone:
                    return
                await self._take(command)
        except DisconnectClient as stop:
            self.disconnect(stop.disconnect)

    async def _take(self, command: Command) -> None:
        verdict = self._keep_pace()
        if command.is_pong:
            self._awaits_pong = False
            return
        method = method_of(command)
        if not self.is_connected and method != "connect":
            raise DisconnectClient(codes.BAD_REQUEST)
        if method == "send":
            connecting.take_message(self, command)
            return
        if not command.id:
            raise DisconnectClient(codes.BAD_REQUEST)
        # What gives something back is never refused: the SDKs take that for a broken connection.
        is_refused = verdict is Verdict.REFUSE and method != "unsubscribe"
        act = partial(self._refuse if is_refused else self._carry_out, command, method)
        if channel := getattr(getattr(command, method), "channel", ""):
            self._take_turn(channel, act)
        elif (later := act()) is not None:
            if method == "connect":
                await later()
            else:
                self.spawn(later())

    def _take_turn(self, channel: str, act: Act) -> None:
        self._turns = self._turns or Turns(self.spawn)
        if self._turns.is_full(channel):
            raise DisconnectClient(codes.TOO_MANY_REQUESTS)
        self._turns.take(channel, act)

    def _refuse(self, command: Command, method: str) -> None:
        self._answer_error(command.id, method, CommandError(codes.TOO_FAST))

    def _carry_out(self, command: Command, method: str) -> Later | None:
        """Do what *command* asks and answer it, or return what is to be done later."""
        request, handle = getattr(command, method), HANDLERS[method]
        try:
            refuse_unserved(request)
            if method in WAITING:
                return partial(self._finish, command.id, method, partial(handle, self, request))
            result = handle(self, request)
        except DisconnectClient as stop:
            self.disconnect(stop.disconnect)
        except Exception as error:  # sorted by type in _answer_error; what is ours is logged there
            self._answer_error(command.id, method, error)
        else:
            if callable(result):
                return partial(self._finish, command.id, method, result)
            self._answer(command.id, method, result)
        return None

    async def _finish(self, id: int, method: str, work: Callable[[], Awaitable[Any]]) -> None:
        try:
            result = await work()
        except DisconnectClient as stop:
            self.disconnect(stop.disconnect)
        except Exception as error:  # sorted by type in _answer_error; what is ours is logged there
            self._answer_error(id, method, error)
        else:
            self._answer(id, method, result)

    def _answer(self, id: int, method: str, result: Any) -> None:
        metrics.commands[method, "ok"] += 1
        self.send(self.dialect.encode_reply(id, method, result))
        self.send_rest()

    def _answer_error(self, id: int, method: str, error: Exception) -> None:
        failure = as_error(error)
        metrics.commands[method, str(failure.code)] += 1
        self._rest = None
        self.send(self.dialect.encode_error(id, failure))

    def _keep_pace(self) -> Verdict:
        rate = self.runtime.options.commands_per_second
        if not rate:
            return Verdict.OUT
        self._pace = self._pace or Pace()
        verdict = self._pace.judge(time.monotonic(), rate=rate, burst=max(rate, 2.0 * subscribing.BURST))
        if verdict is Verdict.CUT:
            raise DisconnectClient(codes.TOO_MANY_REQUESTS)
        return verdict

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *work* until the connection ends."""
        self._tasks = self._tasks or set()
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What the client hears

    def send(self, text: bytes) -> None:
        """Send one reply or push of the client's dialect."""
        if not self.is_gone:
            self.write(self.encoding.wrap(text))

    def follow_up(self, page: bytes) -> None:
        """Have *page*, in the connection's encoding, sent right behind the answer that is being made."""
        self._rest = self._rest or []
        self._rest.append(page)

    def send_rest(self) -> None:
        """Send what was to come behind an answer, which was sent."""
        rest, self._rest = self._rest, None
        for page in rest or ():
            if not self.is_gone:
                self.write(page)

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

    def disconnect(self, why: Disconnect) -> None:
        """End the connection, telling why."""
        if not self.is_gone:
            self.close(why.code, why.reason)
            self.connection_lost()

    def end_subscription(self, subscription: Subscription, why: codes.Unsubscribed) -> None:
        """End one subscription, telling why; only then may the connection call itself live without it."""
        self.send(self.dialect.push_unsubscribe(subscription.channel, why))
        subscribing.drop(self, subscription, is_final=why == codes.BY_SERVER)

    def state_lost(self, subscription: Subscription) -> None:
        """Make the client come back with its position, and so learn whether it is whole."""
        if self.is_plain or subscription.is_server_side:
            has_history = self.runtime.namespaces.of(subscription.channel).has_history
            # Without one there is nothing to come back for: that it was stale, and is live, says it all.
            if has_history or not self._hears_states:
                self.disconnect(codes.INSUFFICIENT_STATE)
        else:
            self.end_subscription(subscription, codes.STATE_LOST)

    def connection_lost(self) -> None:
        """Forget everything about this client."""
        if self.is_gone:
            return
        self.is_gone = True
        self.runtime.wheel.cancel(self)
        self.runtime.sessions.remove(self)
        self.runtime.emulation.remove(self)
        for subscription in list(self.subscriptions.values()):
            subscribing.drop(self, subscription)
        for task in self._tasks or ():
            task.cancel()

    # Time

    def identify(self, claims: ConnectionClaims) -> None:
        """Say whose connection this is. From now on it can be ended for what becomes of that user or login."""
        self.runtime.sessions.remove(self)
        self.user, self.login, self.generation, self.token = claims.sub, claims.sid, claims.gen, claims.jti
        self.info, self.expires = bytes(claims.info), deadline(claims.exp, self.runtime.clock.now())
        if not self.is_gone:
            self.runtime.sessions.add(self)

    def start(self) -> None:
        """Begin to ping: the client is connected."""
        self.is_connected = True
        self._next_ping = time.monotonic() + self.runtime.options.ping_seconds
        self.reschedule()

    def reschedule(self) -> None:
        """Be ticked at whatever is due next."""
        if not self.is_gone:
            self.runtime.wheel.schedule(self, self._due())

    def tick(self, now: float) -> float:
        """Ping, and end what is overdue; return when to look again."""
        if not self.is_connected:
            self.disconnect(codes.STALE)
        elif self._awaits_pong and now >= self._pong_due():
            self.disconnect(codes.NO_PONG)
        elif is_overdue(self.expires, now):
            self.disconnect(codes.EXPIRED)
        if self.is_gone:
            return 0.0
        subscribing.end_expired(self, now)
        if not self._awaits_pong and now >= self._next_ping:
            self._awaits_pong = not self.is_plain
            self._next_ping = now + self.runtime.options.ping_seconds
            self.write(self.encoding.ping)
        return self._due()

    def _due(self) -> float:
        due = self._pong_due() if self._awaits_pong else self._next_ping
        ends = [self.expires, *(subscription.expires for subscription in self.subscriptions.values())]
        return min([due, *(end + GRACE_SECONDS for end in ends if end)])

    def _pong_due(self) -> float:
        return self._next_ping - self.runtime.options.ping_seconds + self.runtime.options.pong_seconds

    def client_info(self, subscription: Subscription | None = None) -> bytes:
        """Encode who this client is, as the others see it."""
        conn_info = msgspec.Raw(self.info) if self.info else NOTHING
        chan_info = msgspec.Raw(subscription.info) if subscription is not None and subscription.info else NOTHING
        return msgspec.json.encode(ClientInfo(self.user, self.client, conn_info, chan_info))


def as_error(error: Exception) -> Error:
    """Return what a client is told of *error*; what is a bug of ours is logged."""
    match error:
        case CommandError():
            return error.error
        case UnknownNamespace():
            return codes.UNKNOWN_CHANNEL
        case InvalidChannel():
            return codes.BAD_COMMAND
        case RedisUnavailable() | RedisReplyError():
            logger.warning("session.redis", extra={"reason": str(error)})
            return codes.INTERNAL
    logger.error("session.failed", exc_info=error)
    return codes.INTERNAL
