"""One client's commands: each is carried out in its turn, and answered."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from tandem.errors import InvalidToken
from tandem_realtime.observing import metrics
from tandem_realtime.observing.connection_log import SUBSCRIPTION_REFUSED
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError, DisconnectClient, Error
from tandem_realtime.protocol.commands import Command, method_of
from tandem_realtime.protocol.encodings import Encoding
from tandem_realtime.protocol.results import HistoryResult
from tandem_realtime.protocol.unserved import refuse_unserved
from tandem_realtime.session import channels, connecting, subscribing
from tandem_realtime.session.failures import as_error
from tandem_realtime.session.pace import BYTES_PER_COMMAND, Pace, Verdict
from tandem_realtime.session.shared import Shared
from tandem_realtime.session.subscriber import FollowUp, Socket, Subscriber
from tandem_realtime.session.turns import MAX_WAITING, Act, Later, Turns

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
COSTLY = {"subscribe", "history", "presence"}
"""What may be answered at length. It was asked for in time, perhaps, but comes after other answers."""
SUBSCRIBING = ("subscribe", "sub_refresh")
"""What the log has a line for when it is refused."""
WAITING = {method for method, handle in HANDLERS.items() if inspect.iscoroutinefunction(handle)}
"""What cannot be answered at once."""


class Session(Subscriber):
    """Serve one client: a subscriber that takes commands."""

    __slots__ = ("_next_frames", "_pace", "_turns")

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
        super().__init__(
            runtime, encoding, write, close, is_plain=is_plain, address=address, socket=socket, write_later=write_later
        )
        self._next_frames: list[str | bytes] | None = None
        self._pace: Pace | None = None
        self._turns: Turns | None = None

    @property
    def waiting_frames(self) -> int:
        """How many frames wait for one that is being worked off."""
        return len(self._next_frames or ())

    def take_from_elsewhere(self) -> None:
        """Take commands that come by themselves, too: under a key that only the client is told."""
        if not self.is_gone:
            self.key = self.runtime.emulation.add(self)

    def connection_lost(self, code: int = 1006, reason: str = "") -> None:
        """Forget everything about this client, whose connection ended with *code*."""
        super().connection_lost(code, reason)
        self._turns = None  # it knows us: nobody should have to search for the two

    async def receive(self, frame: str | bytes) -> None:
        """
        Carry out the commands of one frame. What must wait for Redis holds up what is about the same channel.

        A frame that comes while another is worked off, which gives way to other clients now and then, is next.
        """
        if self._next_frames is not None:
            if len(self._next_frames) == MAX_WAITING:
                self.disconnect(codes.TOO_MANY_REQUESTS)
            self._next_frames.append(frame)
            return
        self._next_frames = [frame]
        try:
            while self._next_frames and not self.is_gone:
                await self._work_off(self._next_frames.pop(0))
        finally:
            self._next_frames = None

    async def _work_off(self, frame: str | bytes) -> None:
        number = 0
        try:
            for number, command in enumerate(self.dialect.decode_frame(frame)):
                if self.runtime.surplus.is_turn_over():
                    await self.take_turn()
                if self.is_gone or (self._socket is not None and not self._socket.is_open):
                    return
                if number:  # a client that sends many gets the answers to them together
                    self.cork()
                if (later := self._take(command)) is not None:
                    self.uncork()
                    await asyncio.sleep(0)  # from here on in a task, wherever it began: Redis has its time to answer
                    await later()
        except DisconnectClient as stop:
            self.disconnect(stop.disconnect, because=stop.because, **stop.told)
        finally:
            if number:
                self.uncork()

    def _take(self, command: Command) -> Later | None:
        """Do what *command* asks, soon if not now; return what the next one has to wait for."""
        verdict = self._keep_pace()
        if not command.id and command.is_pong:
            self.has_ponged()
            return None
        method = method_of(command)
        if not self.is_connected and method != "connect":
            raise DisconnectClient(codes.BAD_REQUEST)
        if method == "send":
            connecting.take_message(self, command)
            return None
        if not command.id:
            raise DisconnectClient(codes.BAD_REQUEST)
        # What gives something back is never refused: the SDKs take that for a broken connection.
        is_refused = verdict is Verdict.REFUSE and method != "unsubscribe"
        act = partial(self._refuse if is_refused else self._carry_out, command, method)
        if channel := getattr(getattr(command, method), "channel", ""):
            self._take_turn(channel, act)
        elif (later := act()) is not None:
            if method == "connect":
                return later
            self.spawn(later())
        return None

    def _take_turn(self, channel: str, act: Act) -> None:
        if self._turns is None:  # as long as nothing has to wait, nobody needs them
            if (later := act()) is None:
                return
            self._turns, act = Turns(self.spawn), lambda: later
        elif self._turns.is_full(channel):
            raise DisconnectClient(codes.TOO_MANY_REQUESTS)
        self._turns.take(channel, act)

    def _refuse(self, command: Command, method: str) -> None:
        self._answer_error(command.id, method, CommandError(codes.TOO_FAST))

    def _carry_out(self, command: Command, method: str) -> Later | None:
        """Do what *command* asks and answer it, or return what is to be done later."""
        request, handle = getattr(command, method), HANDLERS[method]
        try:
            refuse_unserved(request)
            self._check_means(method)
            if method in WAITING:
                return partial(self._finish, command.id, method, partial(handle, self, request))
            result = handle(self, request)
        except DisconnectClient as stop:
            self.disconnect(stop.disconnect, because=stop.because, **stop.told)
        except Exception as error:  # sorted by type in _answer_error; what is ours is logged there
            failure = self._answer_error(command.id, method, error)
            if method in SUBSCRIBING:
                because = f": {error.__cause__}" if isinstance(error.__cause__, InvalidToken) else ""
                told = {"channel": request.channel, "code": failure.code}
                self.log(SUBSCRIPTION_REFUSED, failure.message + because, **told)
        else:
            if callable(result):
                return partial(self._finish, command.id, method, result)
            self._answer(command.id, method, result)
        return None

    async def _finish(self, id: int, method: str, work: Callable[[], Awaitable[Any]]) -> None:
        try:
            self._check_means(method)
            result = await work()
        except DisconnectClient as stop:
            self.disconnect(stop.disconnect, because=stop.because, **stop.told)
        except Exception as error:  # sorted by type in _answer_error; what is ours is logged there
            self._answer_error(id, method, error)
        else:
            self._answer(id, method, result)

    def _answer(self, id: int, method: str, result: Any) -> None:
        metrics.commands[method, "ok"] += 1
        size = self._send_answer(id, method, result) + self.send_rest()
        if self._pace is not None and size > BYTES_PER_COMMAND:
            rate = self.runtime.options.commands_per_second
            self._pace.charge(size, time.monotonic(), rate=rate, burst=_burst(rate))

    def _send_answer(self, id: int, method: str, result: Any) -> int:
        if isinstance(result, HistoryResult) and result.publications.is_long(BYTES_PER_COMMAND):
            return self.send_pieces(self.dialect.reply_pieces(id, method, result))
        reply = self.dialect.encode_reply(id, method, result)
        self.send(reply)
        return len(reply)

    def _answer_error(self, id: int, method: str, error: Exception) -> Error:
        failure = as_error(error)
        metrics.commands[method, str(failure.code)] += 1
        self.forget_rest()
        self.send(self.dialect.encode_error(id, failure))
        return failure

    def _keep_pace(self) -> Verdict:
        rate = self.runtime.options.commands_per_second
        if not rate:
            return Verdict.OUT
        self._pace = self._pace or Pace()
        verdict = self._pace.judge(time.monotonic(), rate=rate, burst=_burst(rate))
        if verdict is Verdict.CUT:
            raise DisconnectClient(codes.TOO_MANY_REQUESTS)
        return verdict

    def _check_means(self, method: str) -> None:
        """Refuse for now what may be costly, if what was answered lately has cost too much. Raises `CommandError`."""
        rate = self.runtime.options.commands_per_second
        if method in COSTLY and self._pace and self._pace.is_overdrawn(time.monotonic(), rate=rate, burst=_burst(rate)):
            raise CommandError(codes.TOO_FAST)


def _burst(rate: float) -> float:
    return max(rate, 2.0 * subscribing.BURST)
