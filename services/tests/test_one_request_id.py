"""One id from the request to the delivery, in the logs of both services; and nothing in them that is secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import connect as connect_to
from websockets.exceptions import ConnectionClosed, InvalidStatus

from rig.servers import wait_until
from rig.stack import COUNTER, Stack
from rig.wire import open_wire
from tandem.tokens import connection_token

SECRETS = (
    "cookie-of-the-visitor",
    "ticket-of-the-visitor",
    "eyJ",
    "payload-of-the-visitor",
    "key-of-the-tests",
    "server-api-key",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The pair, telling everything."""
    with Stack(tmp_path_factory.mktemp("told"), environ={"TANDEM_LOG_LEVEL": "DEBUG"}) as stack:
        yield stack


def of_the_visitor(log: Path) -> list[dict[str, Any]]:
    """The events of a log that carry the visitor's request id."""
    events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [event for event in events if event.get("request_id") == "id-of-the-visitor"]


async def test_the_request_id_reaches_the_delivery(told: Stack) -> None:
    """The id that the visitor's request came with stands in the api's line and in realtime's."""
    headers = {"X-Request-ID": "id-of-the-visitor", "Cookie": "sessionid=cookie-of-the-visitor"}
    async with open_wire(told.ws_url) as wire:
        await wire.subscribe(COUNTER)
        async with httpx.AsyncClient(base_url=told.url, headers=headers) as http:
            await http.post("/api/counters/demo/increment/?note=payload-of-the-visitor")
        await wire.publications(1)

    def deliveries() -> list[dict[str, Any]]:
        return of_the_visitor(told.directory / "realtime.log")

    wait_until(lambda: bool(deliveries()), seconds=5)
    requests = of_the_visitor(told.directory / "api.log")
    assert [(each["event"], each["status"]) for each in requests if each["event"] == "request"] == [("request", 200)]
    assert [(each["event"], each["channel"], each["subscribers"]) for each in deliveries()] == [
        ("publication.delivered", COUNTER, 1)
    ]


async def test_no_line_holds_a_secret(told: Stack) -> None:
    """Tokens, cookies, keys and payloads of all kinds pass through both services and stay out of their logs."""
    token = connection_token(told.environ["TANDEM_TOKEN_KEYS"], "42")
    async with open_wire(told.ws_url, token=token) as wire:
        await wire.subscribe(COUNTER)
        await wire.command(rpc={"method": "x", "data": "payload-of-the-visitor"})
        async with httpx.AsyncClient(base_url=told.url) as http:
            await http.post(
                "/server/publish",
                json={"channel": COUNTER, "data": "payload-of-the-visitor"},
                headers={"X-API-Key": "server-api-key"},
            )
            await http.get(f"/api/counters/none/?token={token}", headers={"Cookie": "sessionid=cookie-of-the-visitor"})
        await wire.publications(1)
    await use_addresses_with_secrets(told, token)

    logs = {str(path.relative_to(told.directory)): path.read_text() for path in told.directory.rglob("*.log")}
    assert {"api.log", "realtime.log", "edge.log"} <= set(logs)
    assert [(name, secret) for name, text in logs.items() for secret in SECRETS if secret in text] == []


async def use_addresses_with_secrets(told: Stack, token: str) -> None:
    """Go where tickets and tokens stand in the query: let in, refused, in time, too late, and with nobody there."""
    connect = json.dumps({"id": 1, "connect": {"token": token}})
    forged = json.dumps({"id": 1, "connect": {"token": token[:-4] + "AAAA"}})
    addresses = [
        *("/ws/sse?" + urlencode({"cf_connect": text}) for text in (connect, forged, "eyJ payload-of-the-visitor")),
        *(f"/ws/{path}?channel={COUNTER}&ticket=ticket-of-the-visitor" for path in ("sse/", "poll/", "uni/", "nobody")),
        f"/ws/sse/?channel={COUNTER}&token={token}",
        f"/admin/login/?token={token}",
    ]
    for with_realtime in (True, False):
        if not with_realtime:
            told.realtime.stop()
        for address in addresses:
            headers = {"Cookie": "sessionid=cookie-of-the-visitor", "Referer": f"{told.url}/page/"}
            with suppress(httpx.HTTPError):
                async with httpx.AsyncClient(base_url=told.url, headers=headers, timeout=2) as http:
                    async with http.stream("GET", address) as response:
                        await anext(response.aiter_bytes())
        with suppress(InvalidStatus, ConnectionClosed):
            async with connect_to(f"{told.ws_url}uni/?channel={COUNTER}&ticket=ticket-of-the-visitor") as socket:
                await socket.recv()
    told.realtime.start()
