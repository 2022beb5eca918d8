"""A socket's frames go to its session, at once where nothing has to be waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tandem_realtime.consumers.line import MAX_WAITING_FRAMES, Line
from tandem_realtime.protocol.codes import BAD_REQUEST
from tests.session_clients import FakeTransport


class Socket:
    """What a line asks of its socket."""

    def __init__(self) -> None:
        self.said: list[Any] = []

    def spend(self) -> float:
        """Take note."""
        self.said.append("spend")
        return 0.0

    def stop_reading(self) -> None:
        """Take note."""
        self.said.append("stop")

    def read_on(self) -> None:
        """Take note."""
        self.said.append("read on")

    def fail(self, error: BaseException) -> None:
        """Take note."""
        self.said.append(str(error))


@pytest.fixture
def socket() -> Socket:
    """Where the frames come from."""
    return Socket()


async def test_answered_at_once(client: FakeTransport, socket: Socket) -> None:
    """A subscription to what this process has is answered before `receive` returns."""
    await client.subscribe("public:a")
    line = Line(socket, client.session, str)  # type: ignore[arg-type]  # as much of one as is asked
    line.receive('{"id":100,"unsubscribe":{"channel":"public:a"}}')
    line.receive('{"id":101,"subscribe":{"channel":"public:a"}}')

    assert [each["id"] for each in client.lines[-2:]] == [100, 101]
    assert socket.said == []


async def test_blank_frames_are_counted_and_others_end_it(client: FakeTransport, socket: Socket) -> None:
    """A frame without a command costs the client of its ration; one of the other kind is no command."""
    line = Line(socket, client.session, str)  # type: ignore[arg-type]  # as above
    line.receive(" ")
    line.receive("")
    line.receive(b"{}")

    assert socket.said == ["spend", "spend"]
    assert client.closed == (BAD_REQUEST.code, BAD_REQUEST.reason)


async def test_frames_wait_for_one_that_does(
    client: FakeTransport, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order; when too many do, nothing is read until they are done."""
    turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(client.session.runtime.surplus, "is_turn_over", lambda: not turn.done())
    monkeypatch.setattr(client.session.runtime.surplus, "turn", lambda: turn)
    line = Line(socket, client.session, str)  # type: ignore[arg-type]  # as above
    for number in range(MAX_WAITING_FRAMES + 1):
        assert not line.is_full
        line.receive(f'{{"id":{1000 + number},"ping":{{}}}}')
    is_full = line.is_full
    turn.set_result(None)
    async with asyncio.timeout(5):
        while "read on" not in socket.said:
            await asyncio.sleep(0)

    assert is_full
    assert [each["id"] for each in client.lines[1:]] == list(range(1000, 1001 + MAX_WAITING_FRAMES))
    assert socket.said == ["stop", "read on"]


async def test_bug_after_a_wait_is_told(client: FakeTransport, socket: Socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in a task is the socket's to tell, as what goes wrong at once is."""

    async def receive(frame: str) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(client.session), "receive", lambda session, frame: receive(frame))
    Line(socket, client.session, str).receive("{}")  # type: ignore[arg-type]  # as above
    async with asyncio.timeout(5):
        while not socket.said:
            await asyncio.sleep(0)

    assert socket.said == ["a bug", "read on"]
