"""Many sockets, which the loop sees as one."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tandem_realtime.readers import LEAST_AT_ONCE, LoopReaders, Readers, readers_of
from tandem_realtime.turn import MOST_AT_ONCE, TURN_SECONDS, timed_loop


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Connected sockets, of which the second is the peer's."""
    with contextlib.ExitStack() as opened:
        made = [socket.socketpair() for _ in range(2 * MOST_AT_ONCE)]
        for sock in (sock for pair in made for sock in pair):
            opened.enter_context(sock)
        yield made


Pairs = list[tuple[socket.socket, socket.socket]]


@pytest.mark.parametrize("kind", [Readers, LoopReaders])
async def test_calls_until_discarded(kind: Any, pairs: Pairs) -> None:
    """Who has something is called; another call takes the place of the first, none that of one discarded."""
    readers, (near, peer), told = kind(asyncio.get_running_loop()), pairs[0], []
    readers.add(near.fileno(), lambda: told.append("first"))
    readers.add(near.fileno(), lambda: told.append(near.recv(10)))
    peer.send(b"x")
    await asyncio.sleep(0.05)
    readers.discard(near.fileno())
    readers.discard(near.fileno())
    peer.send(b"y")
    await asyncio.sleep(0.05)

    assert told == [b"x"]


async def test_end_is_told(pairs: Pairs) -> None:
    """A peer that has gone is something to read."""
    readers, (near, peer), told = readers_of(asyncio.get_running_loop()), pairs[0], []

    def hear() -> None:
        told.append(near.recv(10))
        readers.discard(near.fileno())

    readers.add(near.fileno(), hear)
    peer.close()
    await asyncio.sleep(0.05)

    assert told == [b""]


async def test_crowd_is_heard_some_at_a_time(pairs: Pairs) -> None:
    """One call hears so many and no more; nobody is read, and yet the next one hears the others."""
    readers = Readers(asyncio.get_running_loop())
    heard: list[int] = []
    for near, peer in pairs:
        readers.add(near.fileno(), partial(heard.append, near.fileno()))
        peer.send(b"x")
    readers.call()
    assert len(heard) == MOST_AT_ONCE
    readers.call()

    assert len(set(heard)) == len(pairs)


async def test_one_that_fails_keeps_nobody_waiting(pairs: Pairs) -> None:
    """The loop is told of it, and the others are called."""
    loop, told = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    readers = Readers(loop)
    for (near, peer), act in zip(pairs, (lambda: 1 / 0, lambda: told.append("second")), strict=False):
        readers.add(near.fileno(), act)
        peer.send(b"x")
    readers.call()
    loop.set_exception_handler(None)

    assert told == ["division by zero", "second"]


async def test_discarded_by_another_in_the_same_turn(pairs: Pairs) -> None:
    """Is not called any more: its socket may be closed."""
    readers, told = Readers(asyncio.get_running_loop()), []
    first, second = pairs[0], pairs[1]

    def hear(name: str, other: socket.socket) -> None:
        told.append(name)
        readers.discard(other.fileno())

    readers.add(first[0].fileno(), partial(hear, "first", second[0]))
    readers.add(second[0].fileno(), partial(hear, "second", first[0]))
    first[1].send(b"x")
    second[1].send(b"x")
    readers.call()

    assert told == ["first"]


def test_turn_that_is_over_hears_few(pairs: Pairs) -> None:
    """The others are left for the next one, unread; some are heard even so, that nobody waits for ever."""
    loop, heard = timed_loop(), []
    readers = Readers(loop)

    def hear() -> None:
        heard.append("one")
        time.sleep(TURN_SECONDS / LEAST_AT_ONCE)

    for near, peer in pairs:
        readers.add(near.fileno(), hear)
        peer.send(b"x")
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()

    assert len(heard) in (LEAST_AT_ONCE, LEAST_AT_ONCE + 1)
