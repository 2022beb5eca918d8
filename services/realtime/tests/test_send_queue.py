"""The service under another ASGI server, which knows nothing of our extensions: uvicorn."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import weakref
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import connect

from rig.overrides import override_tandem
from rig.pair import NAMESPACES, Realtime
from rig.servers import RedisServer
from rig.wire import open_socket, open_wire
from tandem import publish
from tandem_realtime.consumers.send_queue import LARGE_BYTES, Bounds, SendQueue
from tests.server_process import RawClient, masked

LIMIT = 1_000_000


@pytest.fixture(scope="module")
def process(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realtime]:
    """The application behind uvicorn."""
    environ = {"TANDEM_MAX_BUFFER_BYTES": str(LIMIT), "TANDEM_SLOW_SECONDS": "0.2"}
    process = Realtime(redis_server.url, tmp_path_factory.mktemp("uvicorn"), environ)
    uvicorn = [sys.executable, "-m", "uvicorn", "tandem_realtime.asgi:application", "--port", str(process.port)]
    process.command = [*uvicorn, "--log-level", "warning"]
    with process:
        yield process


@pytest.fixture(autouse=True)
def _publisher(redis_server: RedisServer) -> Iterator[None]:

    with override_tandem(redis_urls=[redis_server.url], namespaces=NAMESPACES):
        yield


async def test_connect_subscribe_push_recover(process: Realtime) -> None:
    """The same as under our own server; text beyond ASCII and odd line ends included."""
    data = {"text": "Grüße, 世界 \r\u2028\u0085"}
    async with open_wire(f"{process.ws_url}/ws/") as wire:
        result = await wire.subscribe("public:uvicorn")
        await asyncio.to_thread(publish, "public:uvicorn", data)
        pushed = await wire.publications(1)
    async with open_wire(f"{process.ws_url}/ws/") as wire:
        position = {"epoch": result["epoch"], "offset": 0}
        again = await wire.subscribe("public:uvicorn", recover=True, **position)

    assert pushed == again["publications"] == [{"data": data, "offset": 1}]


async def test_errors_close_with_their_code(process: Realtime) -> None:
    """And their reason."""
    async with open_socket(f"{process.ws_url}/ws/") as wire:
        await wire.socket.send("nonsense")
        bad = await wire.closed()
    async with open_socket(f"{process.ws_url}/ws/", origin="https://evil.example") as wire:
        foreign = await wire.closed()

    assert (bad, foreign) == ((3501, "bad request"), (3507, "permission denied"))


async def test_one_way_socket(process: Realtime) -> None:
    """One publication per frame, several published at once."""
    position = await asyncio.to_thread(publish, "public:oneway", 0)
    for number in (1, 2):
        await asyncio.to_thread(publish, "public:oneway", number)
    async with connect(f"{process.ws_url}/ws/uni/?channel=public:oneway&since={position.epoch}:0") as socket:
        frames = [json.loads(await asyncio.wait_for(socket.recv(), 20)) for _ in range(3)]

    assert [frame["data"] for frame in frames] == [0, 1, 2]
    assert [frame["offset"] for frame in frames] == [1, 2, 3]


async def test_slow_reader_is_ended_and_the_others_go_on(process: Realtime) -> None:
    """3008 when it reads again; what it was owed beyond the limit is not kept for it."""
    text = "x" * 50_000
    with RawClient(process.port, receive_buffer=4096) as slow:
        slow.open("/ws/")
        commands = b'{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"live:slow"}}'
        slow.send(masked(1, commands))
        await asyncio.sleep(0.3)
        async with open_wire(f"{process.ws_url}/ws/") as wire:
            await wire.subscribe("live:slow")
            received = []
            for number in range(150):
                if (
                    number == 149
                ):  # the sockets take the first four megabytes: stalled is who then takes none for a while
                    await asyncio.sleep(0.4)
                await asyncio.to_thread(publish, "live:slow", text)
                received += await wire.publications(1)
        close = await asyncio.to_thread(slow.read_close)

    assert len(received) == 150
    assert close == (3008, "slow")


async def test_bytes_are_counted_as_bytes() -> None:
    """Text beyond ASCII that was sent leaves nothing on the account."""
    sent: list[dict[str, Any]] = []
    slow: list[None] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    queue = SendQueue(send, Bounds(100, 10, 1000), slow=lambda: slow.append(None))
    running = asyncio.create_task(queue.run())
    for _ in range(20):
        queue.put({"type": "websocket.send", "text": "ü" * 40}, 80)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    queue.finish({"type": "websocket.close"}, code=3000)
    queue.put({"type": "websocket.send", "text": "too late"}, 8)
    await running

    assert (len(sent), slow) == (21, [])
    assert sent[-1] == {"type": "websocket.close"}


@pytest.mark.parametrize("bounds", [Bounds(100, 0.05, 1000), Bounds(100, 10, 50)])
async def test_slow_is_who_takes_nothing_or_is_too_far_behind(bounds: Bounds) -> None:
    """And what waited is dropped for the goodbye; one event larger than the limit is no reason."""
    sent: list[dict[str, Any]] = []
    is_open = asyncio.Event()

    async def send(event: dict[str, Any]) -> None:
        await is_open.wait()
        sent.append(event)

    def slow() -> None:
        queue.finish({"type": "websocket.close", "code": 3008}, code=3008)

    queue = SendQueue(send, bounds, slow=slow)
    running = asyncio.create_task(queue.run())
    queue.put({"type": "websocket.send", "text": "x" * 120}, 120)
    await asyncio.sleep(0.1)
    assert not queue.is_finished
    for _ in range(4):
        queue.put({"type": "websocket.send", "text": "x" * 40}, 40)
    is_open.set()
    await running

    assert [event.get("code", len(event.get("text", ""))) for event in sent] == [120, 3008]


async def test_what_is_long_is_made_when_it_goes_out() -> None:
    """In its place; what nobody takes any more is never made."""
    sent: list[dict[str, Any]] = []
    made: list[int] = []

    async def send(event: dict[str, Any]) -> None:
        sent.append(event)

    def page(number: int) -> dict[str, Any]:
        made.append(number)
        return {"number": number}

    queue = SendQueue(send, Bounds(1000, 10, 1000), slow=lambda: None)
    queue.put({"number": 0}, 1)
    for number in (1, 2):
        queue.put(partial(page, number), LARGE_BYTES)
    running = asyncio.create_task(queue.run())
    while len(sent) < 2:
        await asyncio.sleep(0)
    queue.free()
    await running

    assert sent == [{"number": 0}, {"number": 1}]
    assert made == [1]


async def test_queue_that_is_freed_knows_nobody() -> None:
    """So who knows it goes with it, without a search for cycles."""

    class Client:
        """Knows its queue, which knows it."""

        def __init__(self) -> None:
            self.queue = SendQueue(send, Bounds(100, 10, 1000), slow=self.end)

        def end(self) -> None:
            """Be slow."""

    async def send(event: dict[str, Any]) -> None:
        """Take an event."""

    client = Client()
    gone = weakref.ref(client)
    client.queue.free()
    gc.disable()
    try:
        del client

        assert gone() is None
    finally:
        gc.enable()
