"""One store: commands, scripts and messages, from any thread, one at a time as in Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeAlias

from tandem import scripts
from tandem.errors import RedisReplyError
from tandem.memory.commands import COMMANDS
from tandem.memory.keyspace import Keyspace
from tandem.redis.run import Run
from tandem.scripts import twins

Deliver: TypeAlias = Callable[[bytes, bytes], None]
VERSION = "7.4.0"


class Store:
    """
    What a Redis is to Tandem. Safe to share between threads.

    *clock* tells the seconds since 1970. Messages are delivered inside `execute`, in the order of the commands that
    sent them: what is called must be quick, and must not raise.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._listeners: dict[bytes, list[Deliver]] = {}
        self._taps: list[Deliver] = []
        self._keys = Keyspace(clock)
        self.run = Run("memory", keeps=True)

    def execute(self, *command: str | bytes | int | float) -> Any:
        """Carry out one command and return its reply. Raises `RedisReplyError`."""
        name, *args = (_as_bytes(each) for each in command)
        with self._changed:
            if name.upper() == b"BLPOP":
                return self._wait_for_item(args)
            return self._run(name.upper(), args)

    def flush(self) -> None:
        """Forget every key, as a Redis does that starts empty: streams get new epochs. Listeners stay."""
        with self._changed:
            self._keys = Keyspace(self._clock)

    def keys(self) -> list[bytes]:
        """Return the name of every key."""
        with self._changed:
            return self._keys.names()

    # Messages

    def listen(self, name: bytes, deliver: Deliver) -> None:
        """Call ``deliver(name, data)`` with each message of *name*, from now on."""
        with self._changed:
            self._listeners.setdefault(name, []).append(deliver)

    def unlisten(self, name: bytes, deliver: Deliver) -> None:
        """Stop calling *deliver* for *name*."""
        with self._changed:
            kept = [other for other in self._listeners.get(name, ()) if other != deliver]
            if kept:
                self._listeners[name] = kept
            else:
                self._listeners.pop(name, None)

    @contextmanager
    def tapped(self, deliver: Deliver) -> Iterator[None]:
        """Call *deliver* with every message of every name, for a while. It does not count as a listener."""
        with self._changed:
            self._taps.append(deliver)
        try:
            yield
        finally:
            with self._changed:
                self._taps.remove(deliver)

    # What execute is made of

    def _call(self, *command: str | bytes | int) -> Any:
        """Carry out a command of a script, as ``redis.call`` does."""
        name, *args = (_as_bytes(each) for each in command)
        return self._run(name, args)

    def _run(self, name: bytes, args: Sequence[bytes]) -> Any:
        match name:
            case b"EVALSHA" | b"EVAL":
                return self._run_script(args)
            case b"PUBLISH":
                return self._publish(*args)
            case b"FLUSHALL" | b"FLUSHDB":
                self.flush()
                return b"OK"
            case b"KEYS":
                return self.keys()
            case b"INFO":
                return f"# Server\r\nredis_version:{VERSION}\r\nrun_id:memory\r\n".encode()
            case b"CONFIG":
                return []
            case b"SCRIPT":
                return b"OK"
        if (run := COMMANDS.get(name)) is None:
            raise RedisReplyError(f"ERR unknown command '{name.decode()}': the memory backend does not have it")
        reply = run(self._keys, args)
        self._changed.notify_all()
        return reply

    def _run_script(self, args: Sequence[bytes]) -> Any:
        script, count = args[0].decode(), int(args[1])
        return twin_of(script)(self._call, args[2 : 2 + count], args[2 + count :])

    def _publish(self, name: bytes, data: bytes) -> int:
        listeners = self._listeners.get(name, ())
        for deliver in (*self._taps, *listeners):
            deliver(name, data)
        return len(listeners)

    def _wait_for_item(self, args: Sequence[bytes]) -> list[bytes] | None:
        *names, seconds = args
        deadline = time.monotonic() + float(seconds) if float(seconds) else None
        while True:
            for name in names:
                if (item := self._run(b"LPOP", [name])) is not None:
                    return [name, item]
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return None
            self._changed.wait(left)


_named = cache(lambda name: Store())


def store(name: str = "") -> Store:
    """Return the process's store of that *name*."""
    return _named(name)


def store_at(url: str) -> Store:
    """Return the store that the address *url* names."""
    return store(url.partition("://")[2].strip("/"))


def twin_of(script: str) -> twins.Twin:
    """Return what *script* (its digest, or its text) does. Raises `RedisReplyError` when nobody wrote that."""
    known = next((each for each in scripts.ALL if script in each[:2]), None)
    twin: twins.Twin | None = getattr(twins, known.name, None) if known else None
    if twin is None:
        raise RedisReplyError(f"ERR the script {known.name if known else script} has no twin in tandem.scripts.twins")
    return twin


def _as_bytes(value: str | bytes | int | float) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else repr(value).encode()
