"""The connections of one server: who is here, how many may be, how long each may take, and what they count."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Coroutine, Iterable, Mapping, MutableMapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from tandem_realtime.endpoints import WEBSOCKET, endpoint_of, stream_transport_of
from tandem_realtime.observing.connection_log import REFUSED, log
from tandem_realtime.readers import readers_of
from tandem_realtime.surplus import surplus_of

from .addresses import Addresses
from .backlog import Backlog
from .closing import ROTATION, SHUTDOWN, rotation_age
from .counters import Counters
from .deadlines import Deadlines
from .forwarded import TrustedProxies
from .limits import Limits, TokenBucket

logger = logging.getLogger(__name__)
_CAPACITY_RETRY_SECONDS = 5
_REASONS = {
    "capacity": "the process has all the connections that it may have",
    "rate": "too many handshakes a second",
    "draining": "the process is about to end",
    "address": "too many connections or handshakes from this address",
}


class No(NamedTuple):
    """Why a request is refused, and after how many seconds the client may try again: 429 where it is its own doing."""

    reason: str
    retry_after: int
    status: int = 503

    @property
    def text(self) -> str:
        """What the client is told."""
        return "Too many from here: come back later\n" if self.status == 429 else "Come back later\n"


class Timed(Protocol):
    """What may take only so long."""

    def time_out(self) -> None:
        """Make an end of it."""


class Idle(Protocol):
    """A connection that asks for nothing."""

    def hang_up(self) -> None:
        """Make an end of it."""


class Connection(Timed, Protocol):
    """A socket, or a request until it is answered."""

    kind: str
    path: Any
    site: str
    """What its address counts as: see `Addresses`."""

    @property
    def is_open(self) -> bool:
        """Tell whether this is a WebSocket after its accept, or a response that streams."""

    @property
    def buffered(self) -> int:
        """Bytes that wait in user space for the client to read."""

    @property
    def application(self) -> asyncio.Task[None] | None:
        """The task of the application, as long as it runs."""

    def close(self, code: int, reason: str) -> None:
        """Ask the client to leave, telling why."""

    def send_away(self, code: int, reason: str) -> None:
        """Ask the client to leave and come back, in words that it knows."""


class Line(Protocol):
    """Who serves a WebSocket without an application."""

    @property
    def is_full(self) -> bool:
        """Tell whether so much waits here that nothing more should be read."""

    def receive(self, frame: str | bytes, /) -> None:
        """Take a message."""

    def lost(self, code: int, reason: str, /) -> None:
        """Take note that the connection has ended."""


OpenLine = Callable[[dict[str, Any], Any], None]
"""Accepts, given an ASGI scope and its WebSocket, and gives that its `line`, or closes it."""


class Connections:
    """
    What every connection of a server is given: it is handed to sockets and requests, and knows neither kind.

    `connections` holds the live ones, `counters` the totals; `is_draining` is for the readiness probe. `arriving`,
    `handshaking`, `lingering` and `ending` are those that must get on with it: with sending their request, with their
    handshake, their close, their application. `idle` are those of HTTP that have their answer, `leaving` those that
    only have to take it.
    """

    def __init__(
        self,
        application: Callable[..., Coroutine[Any, Any, None]],
        loop: asyncio.AbstractEventLoop,
        *,
        limits: Limits,
        lines: Mapping[str, OpenLine] = MappingProxyType({}),
        trusted_proxies: Iterable[str] = (),
        root_path: str = "",
    ) -> None:
        self.application = application
        self.loop = loop
        self.lines = lines
        self.limits = limits
        self.trusted_proxies = TrustedProxies(trusted_proxies)
        self.root_path = root_path
        self.counters = Counters()
        self.connections: dict[Connection, dict[str, Any]] = {}
        self.is_draining = False
        self.handshaking: Deadlines[Timed] = Deadlines(loop, limits.handshake_seconds, _time_out)
        self.lingering: Deadlines[Timed] = Deadlines(loop, limits.close_seconds, _time_out, most=limits.max_lingering)
        self.arriving: Deadlines[Timed] = Deadlines(loop, limits.handshake_seconds, _time_out, most=limits.max_arriving)
        self.idle: Deadlines[Idle] = Deadlines(loop, limits.keep_alive_seconds, _hang_up, most=limits.max_idle)
        self.leaving: Deadlines[Idle] = Deadlines(loop, limits.keep_alive_seconds, _hang_up, most=limits.max_idle)
        self.ending: Deadlines[Connection] = Deadlines(loop, limits.application_close_seconds, _cancel_application)
        self.readers = readers_of(loop)
        self.surplus = surplus_of(loop)
        self.backlog = Backlog(loop, seconds=limits.slow_seconds, budget=limits.max_backlog_bytes)
        self.addresses = Addresses(limits.max_per_address, limits.handshakes_per_address)
        self._bucket = TokenBucket(limits.handshakes_per_second, loop.time())

    @property
    def buffered(self) -> int:
        """Bytes that wait in user space for clients to read, also for those who are on their way out."""
        return self.backlog.buffered

    def why_not(self, *, is_handshake: bool, is_counted: bool = False) -> No | None:
        """
        Return why there is no room for one more socket or request (or it, if it is counted already).

        Who asks for nothing any more makes room for who comes.
        """
        here = len(self.connections) + len(self.idle) - is_counted
        if here >= self.limits.max_connections and not self.idle.expire_oldest():
            return No("capacity", _CAPACITY_RETRY_SECONDS)
        if is_handshake and self.is_draining and not is_counted:  # a request is on a connection that is there
            return No("draining", 1)
        if is_handshake and (wait := self._bucket.take(self.loop.time())):
            return No("rate", math.ceil(wait))
        return None

    def why_not_from(self, address: str, *, is_told: bool, is_handshake: bool) -> No | None:
        """Return why *address*, which a trusted proxy told or which the peer has, may not have one more."""
        if self.addresses.is_full(address, is_told=is_told):
            return No("address", _CAPACITY_RETRY_SECONDS, 429)
        if is_handshake and (wait := self.addresses.take(address, self.loop.time(), is_told=is_told)):
            return No("address", math.ceil(wait), 429)
        return None

    def refused(self, no: No, address: str) -> None:
        """Count a refusal, and have it logged."""
        self.counters.rejected[no.reason] += 1
        log.tell(REFUSED, f"{no.reason}: {_REASONS[no.reason]}", address=address, status=no.status)

    # The life of a connection

    def on_open(self, websocket: Connection) -> None:
        """Take note that the application accepted."""
        self.handshaking.discard(websocket)
        self.counters.opened += 1
        self.counters.opened_by[WEBSOCKET, endpoint_of(websocket.path)] += 1

    def on_gone(self, websocket: Connection) -> None:
        """Forget a socket that is closed and whose application has ended."""
        if self.connections.pop(websocket, None) is not None:
            self.addresses.leave(websocket.site)

    def schedule_rotation(self, connection: Connection) -> asyncio.TimerHandle | None:
        """Ask *connection* to come back when it is as old as the limit says, if it says so."""
        if not (max_age := self.limits.max_age_seconds):
            return None
        age = rotation_age(max_age, chance=random.random())
        return self.loop.call_later(age, connection.send_away, *ROTATION)

    def on_stream(self, request: Connection) -> None:
        """Take note of a streaming response; one that starts during a drain ends at once."""
        path = request.path.decode("ascii", "replace")
        self.counters.opened_by[stream_transport_of(path), endpoint_of(path)] += 1
        if self.is_draining:
            self.loop.call_soon(request.send_away, *SHUTDOWN)

    def log_socket(self, action: str, scope: MutableMapping[str, Any]) -> None:
        """Tell the access log, where a server has one."""


def _time_out(connection: Timed) -> None:
    connection.time_out()


def _hang_up(connection: Idle) -> None:
    connection.hang_up()


def _cancel_application(connection: Connection) -> None:
    """End an application that has not ended by itself since its client left."""
    if (task := connection.application) is not None:
        logger.warning("Application of %r took too long to end and was cancelled", connection)
        task.cancel()
