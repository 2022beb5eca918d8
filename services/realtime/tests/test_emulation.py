"""Commands of clients on HTTP transports, through whichever process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from rig.pair import Lines, Pair, Realtime, open_stream
from rig.servers import wait_until
from rig.wire import open_socket

CONNECT = '{"id":1,"connect":{}}'


@asynccontextmanager
async def session(pair: Pair) -> AsyncIterator[tuple[Lines, dict[str, str]]]:
    """Open a stream `here`; return it and what its later commands carry."""
    async with open_stream("POST", f"{pair.here.url}/ws/http_stream", content=CONNECT) as lines:
        connect = (await lines.json())["connect"]
        yield lines, {"session": connect["session"], "node": connect["node"]}


async def send(server: Realtime, envelope: dict[str, Any], path: str = "/ws/emulation") -> int:
    """Post an envelope and return the status."""
    async with httpx.AsyncClient(timeout=5) as client:
        return (await client.post(server.url + path, json=envelope)).status_code


@pytest.mark.parametrize("path", ["/ws/emulation", "/ws/emulation/"])
@pytest.mark.parametrize("through", ["here", "there"])
async def test_any_process_takes_a_command(pair: Pair, through: str, path: str) -> None:
    """The reply comes through the stream, whichever process got the command."""
    async with session(pair) as (lines, address):
        data = '{"id":2,"subscribe":{"channel":"public:emulation"}}'
        answer = await send(getattr(pair, through), {**address, "data": data}, path)
        reply = await lines.json()

    assert answer == 204
    assert (reply["id"], reply["subscribe"]["recoverable"]) == (2, True)


async def test_order_is_kept(pair: Pair) -> None:
    """Commands that are sent one after the other are carried out one after the other."""
    async with session(pair) as (lines, address):
        async with httpx.AsyncClient(base_url=pair.there.url) as client:
            for id in range(2, 40):
                data = json.dumps({"id": id, "unsubscribe": {"channel": "public:x"}})
                await client.post("/ws/emulation", json={**address, "data": data})
        replies = [(await lines.json())["id"] for _ in range(2, 40)]

    assert replies == list(range(2, 40))


async def test_several_commands_in_one_request(pair: Pair) -> None:
    """The SDK sends what belongs together as lines of one request."""
    async with session(pair) as (lines, address):
        data = '{"id":2,"subscribe":{"channel":"public:a"}}\n{"id":3,"history":{"channel":"public:a","limit":1}}'
        await send(pair.there, {**address, "data": data})
        replies = {(await lines.json())["id"] for _ in range(2)}

    assert replies == {2, 3}


async def test_unknown_session_or_process_is_404(pair: Pair) -> None:
    """After 404 the SDK connects again. Of another process only its absence is known."""
    async with session(pair) as (_, address):
        made_up = {**address, "session": "x" * 32, "data": "{}"}
        nobody = {**address, "node": "0" * 32, "data": "{}"}
        no_node = {**address, "node": "*", "data": "{}"}

        assert await send(pair.here, made_up) == 404
        assert await send(pair.there, made_up) == 204
        assert await send(pair.there, nobody) == 404
        assert await send(pair.there, no_node) == 404


async def test_the_id_that_others_see_opens_nothing(pair: Pair) -> None:
    """Presence shows the client id; knowing it must not be enough to speak in that client's name."""
    async with open_stream("POST", f"{pair.here.url}/ws/http_stream", content=CONNECT) as lines:
        connect = (await lines.json())["connect"]
        answer = await send(pair.here, {"session": connect["client"], "node": connect["node"], "data": "{}"})

    assert answer == 404


async def test_sessions_of_sockets_take_no_commands(pair: Pair) -> None:
    """A socket's connect reply names neither session nor process."""
    async with open_socket(f"{pair.here.ws_url}/ws/") as wire:
        reply = await wire.command(connect={})

    assert not {"session", "node"} & set(reply["connect"])


async def test_ended_stream_is_forgotten(pair: Pair) -> None:
    """When the client has gone its session takes no commands."""
    async with session(pair) as (_, address):
        pass

    def is_gone() -> bool:
        answer = httpx.post(f"{pair.here.url}/ws/emulation", json={**address, "data": "{}"})
        return answer.status_code == 404

    wait_until(is_gone, seconds=5, what="the end of the session")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"nonsense",
        b'{"session":"x"}',
        b'{"session":1,"node":2,"data":3}',
        b'{"session":"\xff","node":"","data":""}',
        b"[" * 10_000,
        b'{"session":"x","node":"x","data":"","more":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001,
    ],
)
async def test_malformed_envelope_is_400(pair: Pair, body: bytes) -> None:
    """What is not an envelope says so and ends nothing else."""
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.post(f"{pair.here.url}/ws/emulation", content=body)

    assert (answer.status_code, answer.json()["code"]) == (400, 107)


async def test_too_large_is_413(pair: Pair) -> None:
    """Commands over the limit are refused, and the session goes on."""
    async with session(pair) as (lines, address):
        answer = await send(pair.there, {**address, "data": "x" * 70_000})
        await send(pair.there, {**address, "data": '{"id":2,"unsubscribe":{"channel":"public:x"}}'})
        reply = await lines.json()

    assert (answer, reply["id"]) == (413, 2)


async def test_endless_body_is_413(pair: Pair) -> None:
    """What is far larger than any command is not even collected."""
    async with httpx.AsyncClient(timeout=10) as client:
        answer = await client.post(f"{pair.here.url}/ws/emulation", content=b"x" * 1_000_000)

    assert answer.status_code == 413


async def test_commands_are_taken_at_capacity(pair: Pair) -> None:
    """A process with no room for another connection still serves those that it has."""
    full = pair.another(TANDEM_MAX_CONNECTIONS="1")
    await asyncio.to_thread(full.start)
    try:
        async with open_stream("POST", f"{full.url}/ws/http_stream", content=CONNECT) as lines:
            connect = (await lines.json())["connect"]
            envelope = {"session": connect["session"], "node": connect["node"], "data": "{}"}
            async with httpx.AsyncClient(timeout=5) as client:
                refused = await client.post(f"{full.url}/ws/http_stream", content=CONNECT)
            taken = await send(full, envelope)
    finally:
        await asyncio.to_thread(full.stop)

    assert (refused.status_code, taken) == (503, 204)


async def test_malformed_command_ends_the_session(pair: Pair) -> None:
    """The envelope was right, the command is not: what closes a socket ends the stream."""
    async with session(pair) as (lines, address):
        answer = await send(pair.there, {**address, "data": "nonsense"})
        push = await lines.json()
        await lines.end()

    assert (answer, push["push"]["disconnect"]["code"]) == (204, 3501)


async def test_flood_ends_the_session(pair: Pair) -> None:
    """Commands per second are counted per session, whichever way they come."""
    line = '{"id":2,"unsubscribe":{"channel":"public:x"}}\n'
    async with session(pair) as (lines, address):
        # Enough of them: a second forgives ten times the rate, and a busy machine needs seconds.
        await asyncio.gather(*(send(pair.there, {**address, "data": line * 1000}) for _ in range(10)))
        message = await lines.json()
        while "push" not in message:
            message = await lines.json()

    assert message["push"]["disconnect"]["code"] == 3013
