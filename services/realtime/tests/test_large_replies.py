"""Ten megabytes that a client has missed arrive whole on every transport, however slowly it reads."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect

from rig.overrides import override_tandem
from rig.pair import TOKEN_KEY, Realtime
from rig.servers import RedisServer, wait_until
from tandem import apublish
from tandem.publication import Position
from tandem.tokens import connection_token

CHANNEL = "big:a"
COUNT, SIZE = 250, 41_000
NAMESPACES: dict[str, dict[str, Any]] = {
    "big": {"history_size": 300, "history_ttl": 600, "recovery": True, "subscribe": "anyone"}
}
SLOW_SECONDS = 1.0
PAUSE_SECONDS = 2.5e-7
"""After each byte: at most 4 MB a second."""
RECEIVE_BUFFER = (socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)


@pytest.fixture(scope="module")
def process(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realtime]:
    """A process that soon calls a client slow, and for whom a tenth of the reply is too much to keep for one."""
    environ = {"TANDEM_NAMESPACES": json.dumps(NAMESPACES), "TANDEM_SLOW_SECONDS": str(SLOW_SECONDS)}
    with Realtime(redis_server.url, tmp_path_factory.mktemp("large"), environ) as process:
        wait_until(process.is_ready, what="ready")
        yield process


@pytest_asyncio.fixture
async def missed(redis_server: RedisServer) -> Position:
    """Publish it all; the position before it."""
    with override_tandem(redis_urls=[redis_server.url], namespaces=NAMESPACES):
        for number in range(COUNT):
            last = await apublish(CHANNEL, {"n": number, "text": "x" * SIZE})
    return Position(last.epoch, last.offset - COUNT)


async def slowly(process: Realtime, method: str, path: str, **options: Any) -> AsyncIterator[bytes]:
    """Read a response as over a thin line."""
    transport = httpx.AsyncHTTPTransport(socket_options=[RECEIVE_BUFFER])
    async with (
        httpx.AsyncClient(transport=transport, timeout=20) as client,
        client.stream(method, process.url + path, **options) as response,
    ):
        assert response.status_code == 200
        async for chunk in response.aiter_bytes():
            await asyncio.sleep(len(chunk) * PAUSE_SECONDS)
            yield chunk


async def lines_of(chunks: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    """The objects in the lines of a response, those of an event stream too."""
    left = b""
    async for chunk in chunks:
        *lines, left = (left + chunk).split(b"\n")
        for line in lines:
            text = line.removeprefix(b"data: ")
            if text.startswith(b"{"):
                yield json.loads(text)


async def frames_of(process: Realtime, path: str, *commands: Any) -> AsyncIterator[Any]:
    """The objects in the frames of a socket, read as slowly."""
    raw = socket.socket()
    raw.setsockopt(*RECEIVE_BUFFER)
    raw.connect(("127.0.0.1", process.port))
    async with connect(
        process.ws_url + path, sock=raw, compression=None, max_size=None, max_queue=1, ping_interval=None
    ) as client:
        for command in commands:
            await client.send(json.dumps(command))
        async for frame in client:
            await asyncio.sleep(len(frame) * PAUSE_SECONDS)
            for line in str(frame).split("\n"):
                yield json.loads(line)


def publications_in(message: Any) -> list[dict[str, Any]]:
    """What a reply, a push or a plain message brings."""
    if "error" in message:
        raise AssertionError(message)
    if "push" in message:
        return [message["push"]["pub"]] if "pub" in message["push"] else []
    if "subscribe" in message:
        return list(message["subscribe"].get("publications", []))
    if "connect" in message:
        return list(message["connect"].get("subs", {}).get(CHANNEL, {}).get("publications", []))
    if "publications" in message:
        return list(message["publications"])
    return [message] if "data" in message else []


def reading(process: Realtime, transport: str, since: Position) -> AsyncIterator[Any]:
    """Come back over *transport*."""
    subscribe = {"channel": CHANNEL, "recover": True, "epoch": since.epoch, "offset": since.offset}
    commands = [{"id": 1, "connect": {}}, {"id": 2, "subscribe": subscribe}]
    body = "\n".join(json.dumps(command) for command in commands)
    token = connection_token(TOKEN_KEY, "", channels=[CHANNEL])
    brought = {"id": 1, "connect": {"token": token, "subs": {CHANNEL: subscribe}}}
    match transport:
        case "websocket":
            return frames_of(process, "/ws/", *commands)
        case "one-way websocket":
            return frames_of(process, f"/ws/uni/?channel={CHANNEL}&since={since}")
        case "http_stream":
            return lines_of(slowly(process, "POST", "/ws/http_stream", content=body))
        case "sse":
            return lines_of(slowly(process, "GET", "/ws/sse", params={"cf_connect": json.dumps(brought)}))
        case "one-way sse":
            headers = {"Last-Event-ID": str(since)}
            return lines_of(slowly(process, "GET", "/ws/sse/", params={"channel": CHANNEL}, headers=headers))
        case "poll":
            return polled(process, since)
    raise ValueError(transport)


async def polled(process: Realtime, since: Position) -> AsyncIterator[Any]:
    """The answers to polls, each of which asks from where the last one ended."""
    while True:
        chunks = slowly(process, "GET", "/ws/poll/", params={"channel": CHANNEL, "since": str(since)})
        answer = json.loads(b"".join([chunk async for chunk in chunks]))
        yield answer
        since = Position(answer["epoch"], answer["offset"])


@pytest.mark.parametrize("transport", ["websocket", "one-way websocket", "http_stream", "sse", "one-way sse", "poll"])
async def test_arrives_whole_at_a_slow_reader(process: Realtime, missed: Position, transport: str) -> None:
    """It takes longer to read than a client may take nothing, and is ten times what may wait for one that does not."""
    found: list[tuple[int, int, int]] = []
    began = time.monotonic()
    async with asyncio.timeout(60):
        async for message in reading(process, transport, missed):
            for publication in publications_in(message):
                data = publication["data"]
                found.append((publication["offset"] - missed.offset, data["n"], len(data["text"])))
            if len(found) >= COUNT:
                break
    took = time.monotonic() - began

    assert found == [(number + 1, number, SIZE) for number in range(COUNT)]
    assert took > 2 * SLOW_SECONDS
    assert process.metric("tandem_slow_disconnects_total") == 0
