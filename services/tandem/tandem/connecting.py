"""Connect to Redis within a limit that the name lookup is inside of, too, and learn which run of it that is."""

from __future__ import annotations

import contextlib
import ipaddress
import select
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import redis
from redis.sentinel import Sentinel

from tandem.errors import without_script
from tandem.pooling import pool_class
from tandem.redis.address import Address
from tandem.redis.clustered import read_clustered
from tandem.redis.commands import Command, text_of
from tandem.redis.cures import with_cure
from tandem.redis.run import QUESTIONS, REPLICA, UNKNOWN, Run, read_greeting
from tandem.redis.sentinels import is_watched, read_watched
from tandem.redis.slots import Node


def pool_of(
    url: str,
    *,
    connect_seconds: float,
    reply_seconds: float,
    tries: Sequence[Command] = (),
    node: Node | None = None,
    takes_replicas: bool = False,
) -> redis.ConnectionPool:
    """
    Return a pool of connections to *url*, none of which takes longer than this to connect and for each reply.

    Where *url* is a cluster's they lead to that *node* of it, a replica only with *takes_replicas*. Each begins with
    *tries*, and is given up where one of them is forbidden.
    """
    if node is not None:
        url = read_clustered(url).url_of(node)
    watched = read_watched(url) if is_watched(url) else None
    pool: redis.ConnectionPool = pool_class.from_url(
        watched.url if watched else url,
        socket_connect_timeout=connect_seconds,
        socket_timeout=reply_seconds,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    )
    host = pool.connection_kwargs.get("host")
    ours: tuple[type, ...] = (_Greets,) if host is None or _is_address(host) else (_LooksUpElsewhere, _Greets)
    base = pool.connection_class
    own: dict[str, Any] = {"tries": tuple(tries), "is_node": node is not None, "takes_replicas": takes_replicas}
    if watched:
        ours = (_LooksUpElsewhere, _AsksSentinels, _Greets)
        own["address"] = Address.from_url(url)
    pool.connection_class = type(base.__name__, (*ours, base), own)
    return pool


class _Greets:
    """A connection that knows to which `run` of a Redis it leads, and that none leads to a replica."""

    run: Run = UNKNOWN
    poll: Any = None
    tries: tuple[Command, ...]
    is_node: bool
    takes_replicas: bool

    def on_connect_check_health(self, check_health: bool = True) -> None:
        super().on_connect_check_health(check_health)  # type: ignore[misc]  # redis-py's, beside this class
        connection: Any = self
        connection.send_packed_command(connection.pack_commands([*QUESTIONS, *self.tries]), check_health=False)
        greeted = read_greeting(*(read_reply(connection) for _ in QUESTIONS), is_node=self.is_node)
        for command in self.tries:
            if isinstance(reply := read_reply(connection), redis.exceptions.NoPermissionError):
                raise redis.ConnectionError(
                    with_cure(f"NOPERM for {text_of(command[0])} {text_of(command[1])}: {reply}")
                )
        if greeted.refusal and not (self.takes_replicas and greeted.refusal == REPLICA):
            raise redis.ConnectionError(greeted.refusal)
        self.run = greeted.run
        if hasattr(select, "poll"):
            self.poll = select.poll()
            self.poll.register(connection._sock, select.POLLIN)

    def is_silent(self) -> bool:
        """Tell whether this is a connection, and there is nothing to read: not even its end."""
        connection: Any = self
        try:
            if not connection.is_connected:
                return False
            # Where every answer was read, the socket knows all that `can_read` finds out in five calls.
            return not (connection.can_read() if self.poll is None else self.poll.poll(0))
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            return False


def read_reply(connection: Any) -> Any:
    """Return the next reply of *connection*, or the error that it is."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return said_by_script(error)


def said_by_script(reply: Any) -> Any:
    """Return *reply*; where Redis before 7 wraps what a script met, the error that it would be since."""
    if type(reply) is not redis.ResponseError or (text := without_script(str(reply))) == str(reply):
        return reply
    return redis.exceptions.ReadOnlyError(text) if text.startswith("READONLY") else redis.ResponseError(text)


class _LooksUpElsewhere:
    """A connection whose socket is made in a thread: nothing bounds how long the resolver may take."""

    socket_connect_timeout: float

    def _connect(self) -> socket.socket:
        connect: Callable[[], socket.socket] = super()._connect  # type: ignore[misc]  # redis-py's, beside this class
        return within(self.socket_connect_timeout, connect)


class _AsksSentinels:
    """A connection to wherever the Sentinels say that the master is now."""

    address: Address
    socket_connect_timeout: float

    def _connect(self) -> socket.socket:
        timeout = self.socket_connect_timeout / max(1, len(self.address.sentinels))
        self.host, self.port = _find_master(self.address, timeout)
        connect: Callable[[], socket.socket] = super()._connect  # type: ignore[misc]  # redis-py's, beside this class
        return connect()


def _find_master(address: Address, timeout: float) -> tuple[str, int]:
    timeouts = {"socket_connect_timeout": timeout, "socket_timeout": timeout}
    sentinel: Any = Sentinel(list(address.sentinels), sentinel_kwargs={**timeouts, **address.sentinel_options})
    try:
        found: tuple[str, int] = sentinel.discover_master(address.master_name)
    except redis.ConnectionError as error:
        raise redis.ConnectionError(with_cure(f"the Sentinels of {address.label}: {error}")) from error
    finally:
        for client in sentinel.sentinels:
            client.close()
    return found


def within(seconds: float, connect: Callable[[], socket.socket]) -> socket.socket:
    """
    Return what *connect* returns, or raise what it raises.

    Raises `TimeoutError` after *seconds*; a socket that comes later is closed.
    """
    lock, done = threading.Lock(), threading.Event()
    outcome: dict[str, Any] = {}

    def run() -> None:
        found: dict[str, Any] = {}
        try:
            found["socket"] = connect()
        except Exception as error:  # whatever it is, it belongs to the one who waits
            found["error"] = error
        with lock:
            if outcome.setdefault("is_late", False):
                with contextlib.suppress(KeyError):
                    found["socket"].close()
            outcome.update(found)
        done.set()

    threading.Thread(target=run, name="tandem-connect", daemon=True).start()
    done.wait(seconds)
    with lock:
        if "is_late" not in outcome:
            outcome["is_late"] = True
            raise TimeoutError(f"no connection within {seconds:g} s")
    if "error" in outcome:
        raise outcome["error"]
    made: socket.socket = outcome["socket"]
    return made


def _is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False
