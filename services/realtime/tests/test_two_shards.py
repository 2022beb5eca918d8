"""Two Redis: whatever is said on one of them reaches every process, and both sides agree which one it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from rig.overrides import override_tandem
from rig.pair import NAMESPACES, TOKEN_KEY, Realtime, open_stream
from rig.servers import RedisServer
from rig.wire import open_wire
from tandem import apublish, control
from tandem.groups import shard_for
from tandem.tickets import acreate_ticket
from tandem.tokens import connection_token


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Realtime, Realtime]]:
    """Two processes over two shards."""
    directory = tmp_path_factory.mktemp("shards")
    with ExitStack() as running:
        urls = [running.enter_context(RedisServer(directory)).url for _ in range(2)]
        here, there = (running.enter_context(Realtime(",".join(urls), directory, {})) for _ in range(2))
        with override_tandem(redis_urls=urls, namespaces=NAMESPACES):
            yield here, there


async def test_tickets_are_found_on_their_shard(processes: tuple[Realtime, Realtime]) -> None:
    """Sixteen tickets on both shards, each taken by one of the processes."""
    tickets = [await acreate_ticket("42") for _ in range(16)]
    async with httpx.AsyncClient() as client:
        answers = [
            await client.get(f"{processes[index % 2].url}/ws/poll/?channel=members:x&ticket={ticket}")
            for index, ticket in enumerate(tickets)
        ]

    assert {answer.status_code for answer in answers} == {200}
    assert {shard_for(ticket, 2) for ticket in tickets} == {0, 1}


async def test_control_and_publications_reach_every_process(processes: tuple[Realtime, Realtime]) -> None:
    """Channels of both shards are heard, and control is, wherever its group lives."""
    _, there = processes
    async with open_wire(f"{there.ws_url}/ws/", token=connection_token(TOKEN_KEY, "42")) as wire:
        for number in range(8):
            await wire.subscribe(f"public:{number}")
            await apublish(f"public:{number}", number)
        heard = [publication["data"] for publication in await wire.publications(8)]
        await control.adisconnect(user="42")
        ended = await wire.closed()

    assert (sorted(heard), ended[0]) == (list(range(8)), 3503)


async def test_commands_find_their_process(processes: tuple[Realtime, Realtime]) -> None:
    """The group of a process may live on either shard."""
    for holder, taker in (processes, processes[::-1]):
        async with open_stream("POST", f"{holder.url}/ws/http_stream", content='{"id":1,"connect":{}}') as lines:
            connect = (await lines.json())["connect"]
            data = '{"id":2,"unsubscribe":{"channel":"public:x"}}'
            envelope = {"session": connect["session"], "node": connect["node"], "data": data}
            async with httpx.AsyncClient() as client:
                answer = await client.post(f"{taker.url}/ws/emulation", json=envelope)
            reply = await lines.json()

        assert (answer.status_code, reply["id"]) == (204, 2)
