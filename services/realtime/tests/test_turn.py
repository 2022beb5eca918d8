"""One turn of the loop hears some of a crowd, and always whoever comes first."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator

import pytest

from tandem_realtime.turn import MOST_AT_ONCE, TurnSelector, timed_loop

CROWD = 4 * MOST_AT_ONCE


@pytest.fixture
def crowd() -> Iterator[list[socket.socket]]:
    """Sockets on each of which something can be read."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * CROWD)), hard))
    with contextlib.ExitStack() as opened:
        pairs = [socket.socketpair() for _ in range(CROWD)]
        for pair in pairs:
            opened.enter_context(pair[0])
            opened.enter_context(pair[1]).send(b"x")
        yield [near for near, _ in pairs]


def test_crowd_is_heard_some_at_a_time(crowd: list[socket.socket]) -> None:
    """No turn hears more than so many; all are heard, those that have more to say no sooner than others."""
    with TurnSelector() as selector:
        for sock in crowd:
            selector.register(sock, 1)
        heard: set[int] = set()
        turns = 0
        while len(heard) < CROWD:  # nobody is read, so each goes on having something to say
            found = selector.select(0)
            heard.update(key.fd for key, _ in found)
            turns += 1

            assert len(found) == MOST_AT_ONCE
            assert turns < 1000


def test_what_asyncio_reads_by_itself_comes_in_every_turn(crowd: list[socket.socket]) -> None:
    """A message on a transport, as Redis's is, is there after one turn, however many others have something to say."""
    loop = timed_loop()

    async def turns_until_heard() -> int:
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=ours)
        for sock in crowd:
            loop.add_reader(sock.fileno(), lambda: None)
        await asyncio.sleep(0)
        theirs.send(b"a publication\n")
        heard, turns = asyncio.ensure_future(reader.readline()), 0
        while not heard.done():
            await asyncio.sleep(0)
            turns += 1
        for sock in crowd:
            loop.remove_reader(sock.fileno())
        writer.close()
        theirs.close()
        return turns

    try:
        turns = [loop.run_until_complete(turns_until_heard()) for _ in range(10)]
    finally:
        loop.close()

    assert max(turns) < 5
