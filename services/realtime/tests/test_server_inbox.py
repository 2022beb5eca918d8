"""The events that wait for one application."""

from __future__ import annotations

import asyncio

from tandem_realtime.server.inbox import Inbox


def inbox() -> Inbox:
    """Return one that nobody watches."""
    return Inbox(asyncio.get_running_loop(), lambda: None)


async def test_order_is_kept_waiting_or_waited_for() -> None:
    """Events come out as they went in, whether the application was there first or not."""
    box = inbox()
    first = box.receive()
    for name in "abc":
        box.put({"type": name})

    assert [(await first)["type"], (await box.receive())["type"], (await box.receive())["type"]] == ["a", "b", "c"]


async def test_cancelled_receive_loses_nothing() -> None:
    """An application may stop waiting and ask again."""
    box = inbox()
    box.receive().cancel()
    box.put({"type": "a"})

    assert await box.receive() == {"type": "a"}


async def test_two_receives_stand_in_line() -> None:
    """Asked twice before an event, each question gets one of its own."""
    box = inbox()
    first, second, third = box.receive(), box.receive(), box.receive()
    for name in "abc":
        box.put({"type": name})

    assert [each["type"] for each in await asyncio.gather(first, second, third)] == ["a", "b", "c"]


async def test_room_is_told_once_empty() -> None:
    """The client may go on when the application has caught up."""
    calls = []
    box = Inbox(asyncio.get_running_loop(), lambda: calls.append(len(box)))
    box.put({"type": "a"})
    box.put({"type": "b"})
    await box.receive()
    assert calls == []
    await box.receive()

    assert calls == [0]
