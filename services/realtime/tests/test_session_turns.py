"""What is asked about one channel is done and answered in its order."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

from tandem import apublish
from tandem_realtime.runtime import Runtime
from tandem_realtime.session.turns import MAX_WAITING, Turns
from tests.session_clients import FakeTransport


class Diary:
    """Acts that write down when they happen, and wait until they are told to go on."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.go_on = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []

    def spawn(self, work: Any) -> None:
        self.tasks.append(asyncio.create_task(work))

    def at_once(self, name: str) -> None:
        self.entries.append(name)

    def later(self, name: str) -> Any:
        async def wait() -> None:
            await self.go_on.wait()
            self.entries.append(name)

        return wait


async def test_one_channel_keeps_its_order() -> None:
    """What need not wait does, behind what must; another channel goes on."""
    diary = Diary()
    turns = Turns(diary.spawn)
    turns.take("a", partial(diary.at_once, "first"))
    turns.take("a", lambda: diary.later("second"))
    turns.take("a", partial(diary.at_once, "third"))
    turns.take("a", lambda: diary.later("fourth"))
    turns.take("b", partial(diary.at_once, "elsewhere"))
    before = list(diary.entries)
    diary.go_on.set()
    await asyncio.gather(*diary.tasks)
    turns.take("a", partial(diary.at_once, "fifth"))

    assert before == ["first", "elsewhere"]
    assert diary.entries == ["first", "elsewhere", "second", "third", "fourth", "fifth"]
    assert len(diary.tasks) == 1


async def test_a_task_that_is_cancelled_leaves_nothing_behind() -> None:
    """Also before it began: no coroutine that nobody awaits, and the channel is free."""
    diary = Diary()
    turns = Turns(diary.spawn)
    turns.take("a", lambda: diary.later("never"))
    turns.take("a", partial(diary.at_once, "nor this"))
    diary.tasks[0].cancel()
    await asyncio.gather(*diary.tasks, return_exceptions=True)

    assert diary.entries == []


def test_so_much_waits_and_no_more() -> None:
    """A client cannot make a heap of what waits for Redis."""
    turns = Turns(lambda work: work.close())
    turns.take("a", lambda: partial(asyncio.sleep, 0))
    for _ in range(MAX_WAITING):
        assert not turns.is_full("a")
        turns.take("a", lambda: None)

    assert turns.is_full("a")
    assert not turns.is_full("b")


async def test_subscribe_unsubscribe_subscribe_in_one_frame(runtime: Runtime) -> None:
    """Each is answered as a success, in order; the client hears what follows."""
    for round_ in range(20):
        client = FakeTransport(runtime)
        await client.connect()
        channel = f"public:strict-{round_}"
        methods = ("subscribe", "unsubscribe", "subscribe", "unsubscribe", "subscribe")
        asked = [{"id": id, method: {"channel": channel}} for id, method in enumerate(methods, 2)]
        await client.session.receive("\n".join(json.dumps(command) for command in asked))
        async with asyncio.timeout(20):
            while len(client.lines) < 6:
                await asyncio.sleep(0.002)
        await apublish(channel, round_)
        [push] = await client.until(1)

        assert [line["id"] for line in client.lines[:6]] == [1, 2, 3, 4, 5, 6]
        assert all("error" not in line for line in client.lines)
        assert push["pub"]["data"] == round_


async def test_subscribe_and_publish_in_one_frame(client: FakeTransport) -> None:
    """The client hears its own publication, after the answer to its subscribe."""
    await client.session.receive(
        '{"id":2,"subscribe":{"channel":"public:own"}}\n{"id":3,"publish":{"channel":"public:own","data":1}}\n'
        '{"id":4,"history":{"channel":"public:own","limit":9}}'
    )
    async with asyncio.timeout(20):
        while len(client.lines) < 5:
            await asyncio.sleep(0.002)

    assert [line["id"] for line in client.lines if "id" in line] == [1, 2, 3, 4]
    assert [push["pub"]["data"] for push in client.pushes] == [1]
