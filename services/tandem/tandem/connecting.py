"""Connect to Redis within a limit that the name lookup is inside of, too, and learn which run of it that is."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable
from typing import Any

import redis

from tandem.redis.run import QUESTIONS, REPLICA, UNKNOWN, Run, read_greeting


def pool_of(url: str, *, connect_seconds: float, reply_seconds: float) -> redis.ConnectionPool:
    """Return a pool of connections to *url*, none of which takes longer than this to connect and for each reply."""
    pool = redis.ConnectionPool.from_url(
        url,
        socket_connect_timeout=connect_seconds,
        socket_timeout=reply_seconds,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
    )
    host = pool.connection_kwargs.get("host")
    ours = (_Greets,) if host is None or _is_address(host) else (_LooksUpElsewhere, _Greets)
    base = pool.connection_class
    pool.connection_class = type(base.__name__, (*ours, base), {})
    return pool


class _Greets:
    """A connection that knows to which `run` of a Redis it leads, and that none leads to a replica."""

    run: Run = UNKNOWN

    def on_connect_check_health(self, check_health: bool = True) -> None:
        super().on_connect_check_health(check_health)  # type: ignore[misc]  # redis-py's, beside this class
        connection: Any = self
        connection.send_packed_command(connection.pack_commands(QUESTIONS), check_health=False)
        greeted = read_greeting(*(read_reply(connection) for _ in QUESTIONS))
        if greeted.is_replica:
            raise redis.ConnectionError(REPLICA)
        self.run = greeted.run


def read_reply(connection: Any) -> Any:
    """Return the next reply of *connection*, or the error that it is."""
    try:
        return connection.read_response()
    except redis.ResponseError as error:
        return error


class _LooksUpElsewhere:
    """A connection whose socket is made in a thread: nothing bounds how long the resolver may take."""

    socket_connect_timeout: float

    def _connect(self) -> socket.socket:
        connect: Callable[[], socket.socket] = super()._connect  # type: ignore[misc]  # redis-py's, beside this class
        return within(self.socket_connect_timeout, connect)


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
