"""Join and leave over two processes: right on both, in spite of reconnects, drains and kill -9."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from rig.pair import TOKEN_KEY, Realtime
from rig.servers import RedisServer
from rig.wire import Wire, open_wire
from tandem.tokens import connection_token

NAMESPACES = {"room": {"subscribe": "anyone", "presence": True, "join_leave": True, "read_presence": "subscribers"}}
TIMES = {
    "tandem.presence.TTL_SECONDS": 1.5,
    "tandem.presence.HOLD_SECONDS": 0.8,
    "tandem_realtime.presence.KEEP_SECONDS": 0.5,
    "tandem_realtime.presence.SWEEP_SECONDS": 0.3,
}

numbers = itertools.count()


class Hall:
    """A room that two processes serve, and who is in it."""

    def __init__(self, processes: list[Realtime], stack: AsyncExitStack) -> None:
        self.room = f"room:{next(numbers)}"
        self.processes = processes
        self._stack = stack

    async def come(self, user: str, process: int = 0) -> Wire:
        """Connect *user* to one of the processes and subscribe."""
        url = f"{self.processes[process].ws_url}/ws/"
        token = connection_token(TOKEN_KEY, user)
        wire = await self._stack.enter_async_context(open_wire(url, token=token))
        await wire.subscribe(self.room)
        return wire

    async def users(self, wire: Wire, *, count: int = 0) -> list[str]:
        """Return the users that presence tells of, when they are *count*: Redis is told behind the answer."""
        async with asyncio.timeout(20):
            while True:
                reply = await wire.command(presence={"channel": self.room})
                users = sorted(info["user"] for info in reply["presence"]["presence"].values())
                if len(users) >= count:
                    return users


@pytest.fixture(scope="module")
def processes(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Realtime]]:
    """Two processes over one Redis, with short times."""
    command = [sys.executable, str(Path(__file__).with_name("quick_process.py")), json.dumps(TIMES)]
    directory = tmp_path_factory.mktemp("presence")
    with ExitStack() as stack:
        processes = []
        for _ in range(2):
            process = Realtime(redis_server.url, directory, {"TANDEM_NAMESPACES": json.dumps(NAMESPACES)})
            process.command = command
            processes.append(stack.enter_context(process))
        yield processes


@pytest_asyncio.fixture
async def hall(processes: list[Realtime]) -> AsyncIterator[Hall]:
    """An empty room."""
    for process in processes:
        if process.process is None or process.process.poll() is not None:  # ended by the test before
            process.start()
    async with AsyncExitStack() as stack:
        yield Hall(processes, stack)


async def said(wire: Wire, *, seconds: float) -> list[tuple[str, str]]:
    """Return who came and who left within *seconds*."""
    found = []
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            push: dict[str, Any] = await asyncio.wait_for(wire.pushes.get(), left)
        except TimeoutError:
            break
        found.append(_news(push))
    return found


async def until_said(wire: Wire, *wanted: tuple[str, str]) -> list[tuple[str, str]]:
    """Return who came and who left until all of what is *wanted* was said, in any order."""
    found: list[tuple[str, str]] = []
    async with asyncio.timeout(20):
        while Counter(wanted) - Counter(found):
            found.append(_news(await wire.pushes.get()))
    return found


def _news(push: dict[str, Any]) -> tuple[str, str]:
    kind = "join" if "join" in push else "leave"
    return kind, push[kind]["info"]["user"]


async def test_everybody_hears_who_comes_and_goes(hall: Hall) -> None:
    """On both processes alike; a cut only after it has been held back."""
    ada, bob = await hall.come("ada", 0), await hall.come("bob", 1)
    cat = await hall.come("cat", 1)
    here = [await hall.users(wire, count=3) for wire in (ada, bob)]
    for wire in (ada, bob):
        await until_said(wire, ("join", "bob"), ("join", "cat"))
    cat.socket.transport.abort()
    early = await said(ada, seconds=0.4)
    late = [await until_said(wire, ("leave", "cat")) for wire in (ada, bob)]

    assert here == [["ada", "bob", "cat"]] * 2
    assert early == []
    assert late == [[("leave", "cat")]] * 2
    assert await hall.users(ada) == ["ada", "bob"]


async def test_reconnect_to_the_other_process_flaps_nothing(hall: Hall) -> None:
    """The user comes back before the leave is due."""
    ada, bob = await hall.come("ada"), await hall.come("bob", 0)
    await until_said(ada, ("join", "bob"))
    bob.socket.transport.abort()
    await asyncio.sleep(0.2)
    await hall.come("bob", 1)

    assert await said(ada, seconds=2.0) == []
    assert await hall.users(ada) == ["ada", "bob"]


async def test_who_comes_long_after_is_told_though_nobody_swept(hall: Hall) -> None:
    """A room that was empty meanwhile: nobody is there who would end a leave that is held back."""
    bob = await hall.come("bob", 0)
    bob.socket.transport.abort()
    await asyncio.sleep(TIMES["tandem.presence.HOLD_SECONDS"] + 0.3)
    ada = await hall.come("ada", 1)
    alone = await hall.users(ada, count=1)
    await hall.come("bob", 0)

    assert alone == ["ada"]
    assert ("join", "bob") in await until_said(ada, ("join", "bob"))
    assert await hall.users(ada, count=2) == ["ada", "bob"]


async def test_drained_process_flaps_nothing(hall: Hall) -> None:
    """Its clients are told to come back, and do."""
    ada, bob = await hall.come("ada", 1), await hall.come("bob", 0)
    await until_said(ada, ("join", "bob"))
    stopping = asyncio.create_task(asyncio.to_thread(hall.processes[0].stop))
    ending = await bob.closed()
    await hall.come("bob", 1)
    heard = await said(ada, seconds=2.0)

    assert ending == (3001, "shutdown")
    assert heard == []
    assert await stopping == 0


async def test_clients_of_a_killed_process_leave(hall: Hall) -> None:
    """Nobody tells of them, and the other process finds out when their time is up."""
    ada = await hall.come("ada", 1)
    await hall.come("bob", 0)
    await hall.come("cat", 1)
    await until_said(ada, ("join", "bob"), ("join", "cat"))
    hall.processes[0].kill()
    heard = await until_said(ada, ("leave", "bob"))

    assert heard == [("leave", "bob")]
    assert await hall.users(ada) == ["ada", "cat"]


async def test_two_tabs_are_one_user(hall: Hall) -> None:
    """Each tab comes and goes for itself."""
    ada = await hall.come("ada")
    first, _ = await hall.come("bob", 0), await hall.come("bob", 1)
    await until_said(ada, ("join", "bob"), ("join", "bob"))
    stats = await ada.command(presence_stats={"channel": hall.room})
    await first.command(unsubscribe={"channel": hall.room})

    assert stats["presence_stats"] == {"num_clients": 3, "num_users": 2}
    assert await until_said(ada, ("leave", "bob")) == [("leave", "bob")]
    assert await hall.users(ada) == ["ada", "bob"]
