"""The connections of one server: who is here, how many may be, how long each may take, and what they count."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable, Coroutine, Iterable, MutableMapping
from typing import Any, NamedTuple, Protocol

from tandem_realtime.endpoints import WEBSOCKET, endpoint_of, stream_transport_of

from .backlog import Backlog
from .closing import ROTATION, SHUTDOWN, rotation_age
from .counters import Counters
from .deadlines import Deadlines
from .forwarded import TrustedProxies
from .limits import Limits, TokenBucket

logger = logging.getLogger(__name__)
_CAPACITY_RETRY_SECONDS = 5


class No(NamedTuple):
    """Why a request gets 503, and after how many seconds the client may try again."""

    reason: str
    retry_after: int


class Timed(Protocol):
    """What may take only so long."""

    def time_out(self) -> None:
        """Make an end of it."""


class Connection(Timed, Protocol):
    """A socket, or a request until it is answered."""

    kind: str
    path: Any

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


class Connections:
    """
    What every connection of a server is given: it is handed to sockets and requests, and knows neither kind.

    `connections` holds the live ones, `counters` the totals; `is_draining` is for the readiness probe. `handshaking`,
    `lingering` and `ending` are those that must get on with it: with their handshake, their close, their application.
    """

    def __init__(
        self,
        application: Callable[..., Coroutine[Any, Any, None]],
        loop: asyncio.AbstractEventLoop,
        *,
        limits: Limits,
        trusted_proxies: Iterable[str] = (),
        root_path: str = "",
    ) -> None:
        self.application = application
        self.loop = loop
        self.limits = limits
        self.trusted_proxies = TrustedProxies(trusted_proxies)
        self.root_path = root_path
        self.counters = Counters()
        self.connections: dict[Connection, dict[str, Any]] = {}
        self.is_draining = False
        self.handshaking: Deadlines[Timed] = Deadlines(loop, limits.handshake_seconds, _time_out)
        self.lingering: Deadlines[Timed] = Deadlines(loop, limits.close_seconds, _time_out)
        self.ending: Deadlines[Connection] = Deadlines(loop, limits.application_close_seconds, _cancel_application)
        self.backlog = Backlog(loop, seconds=limits.slow_seconds, budget=limits.max_backlog_bytes)
        self._bucket = TokenBucket(limits.handshakes_per_second, loop.time())

    def why_not(self, *, is_handshake: bool) -> No | None:
        """Return why there is no room for one more socket or request, or None if there is."""
        if len(self.connections) - (not is_handshake) >= self.limits.max_connections:
            return No("capacity", _CAPACITY_RETRY_SECONDS)
        if is_handshake and self.is_draining:
            return No("draining", 1)
        if is_handshake and (wait := self._bucket.take(self.loop.time())):
            return No("rate", math.ceil(wait))
        return None

    # The life of a connection

    def on_open(self, websocket: Connection) -> None:
        """Take note that the application accepted."""
        self.handshaking.discard(websocket)
        self.counters.opened += 1
        self.counters.opened_by[WEBSOCKET, endpoint_of(websocket.path)] += 1

    def on_gone(self, websocket: Connection) -> None:
        """Forget a socket that is closed and whose application has ended."""
        self.connections.pop(websocket, None)

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


def _cancel_application(connection: Connection) -> None:
    """End an application that has not ended by itself since its client left."""
    if (task := connection.application) is not None:
        logger.warning("Application of %r took too long to end and was cancelled", connection)
        task.cancel()
