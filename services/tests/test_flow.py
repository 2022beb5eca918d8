"""From a POST at the edge to the frame at the browser, over real Redis, gunicorn, Daphne and nginx."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from rig.stack import COUNTER, Stack, press
from rig.wire import Wire, open_socket, open_wire

CLIENTS, INCREMENTS_EACH = 10, 10


async def value_of(http: httpx.AsyncClient) -> int:
    return int((await http.get("/api/counters/demo/")).json()["value"])


async def test_increment_reaches_a_subscriber(stack: Stack, http: httpx.AsyncClient) -> None:
    """A POST answers with the new value, and the same value is pushed."""
    async with open_wire(stack.ws_url) as wire:
        await wire.subscribe(COUNTER)
        answer = await http.post("/api/counters/demo/increment/", json={"by": 3})
        [publication] = await wire.publications(1)

    counter = answer.json()
    assert publication["data"] == {"name": "demo", "value": counter["value"], "version": counter["version"]}


async def test_concurrent_increments_are_all_pushed_once_and_in_order(stack: Stack, http: httpx.AsyncClient) -> None:
    """100 increments by 10 clients at once: every offset once, in order, and the highest version has the sum."""

    async def client() -> None:
        async with httpx.AsyncClient(base_url=stack.url, timeout=30) as own:
            await press(own, INCREMENTS_EACH)

    before = await value_of(http)
    async with open_wire(stack.ws_url) as wire:
        start = (await wire.subscribe(COUNTER))["offset"]
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        publications = await wire.publications(CLIENTS * INCREMENTS_EACH)

    total = before + CLIENTS * INCREMENTS_EACH
    assert [publication["offset"] for publication in publications] == list(range(start + 1, start + 101))
    assert len({publication["data"]["version"] for publication in publications}) == 100
    assert max(publications, key=lambda each: each["data"]["version"])["data"]["value"] == total
    assert await value_of(http) == total


async def test_recovery_returns_exactly_what_was_missed(stack: Stack, http: httpx.AsyncClient) -> None:
    """Who was away for 50 increments and comes back with a position gets those 50."""
    async with open_wire(stack.ws_url) as wire:
        position = await wire.subscribe(COUNTER)
    await press(http, 50)
    async with open_wire(stack.ws_url) as wire:
        back = await wire.subscribe(COUNTER, recover=True, epoch=position["epoch"], offset=position["offset"])

    offset = position["offset"]
    assert (back["was_recovering"], back["recovered"]) == (True, True)
    assert [publication["offset"] for publication in back["publications"]] == list(range(offset + 1, offset + 51))
    assert back["offset"] == offset + 50


async def test_position_of_a_get_is_where_to_subscribe(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page that subscribes from X-Tandem-Position gets what changed since it was rendered."""
    answer = await http.get("/api/counters/demo/")
    epoch, _, offset = answer.headers["X-Tandem-Position"].rpartition(":")
    await press(http)
    async with open_wire(stack.ws_url) as wire:
        result = await wire.subscribe(COUNTER, recover=True, epoch=epoch, offset=int(offset))

    assert result["recovered"] is True
    assert [publication["data"]["value"] for publication in result["publications"]] == [await value_of(http)]


async def test_one_way_socket_receives(stack: Stack, http: httpx.AsyncClient) -> None:
    """A page without an SDK gets one JSON publication per frame."""

    async def press_on() -> None:  # a one-way socket does not say when its subscription stands
        while True:
            await press(http)
            await asyncio.sleep(0.1)

    async with connect(f"{stack.ws_url}uni/?channel={COUNTER}") as socket:
        pressing = asyncio.create_task(press_on())
        frame: dict[str, Any] = {}
        while "data" not in frame:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 10))
        pressing.cancel()

    assert frame["data"]["name"] == "demo"


# -- What comes in wrong ------------------------------------------------------------------------


async def test_unknown_counter_is_404(http: httpx.AsyncClient) -> None:
    """There is no counter of that name."""
    assert (await http.get("/api/counters/nobody/")).status_code == 404
    assert (await http.post("/api/counters/nobody/increment/")).status_code == 404


@pytest.mark.parametrize("by", ["3", 1.5, None, True, [], 0, 2**63, -(2**63) - 1, 10**400])
async def test_bad_step_is_422_and_changes_nothing(http: httpx.AsyncClient, by: Any) -> None:
    """`by` that is no integer, zero, or beyond 64 bits: 422 that names it."""
    before = await value_of(http)
    answer = await http.post(
        "/api/counters/demo/increment/", content=json.dumps({"by": by}), headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "by"]
    assert await value_of(http) == before


@pytest.mark.parametrize(
    ("channel", "code"), [("nowhere:x", 102), ("no-namespace", 102), ("notifications:#7", 103), ("", 107)]
)
async def test_channel_that_is_not_for_everybody_is_refused(stack: Stack, channel: str, code: int) -> None:
    """Unknown namespaces and other people's channels answer with the protocol's error."""
    async with open_wire(stack.ws_url) as wire:
        reply = await wire.command(subscribe={"channel": channel})

    assert reply["error"]["code"] == code


BAD_FRAMES = {
    "not JSON": "hello",
    "not an object": "[]",
    "binary": b"\x00\x01",
    "subscribe before connect": '{"id":1,"subscribe":{"channel":"public:counter.demo"}}',
    "over 64 KiB": '{"id":1,"connect":{"name":"' + "x" * 65536 + '"}}',
}


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES.keys())
async def test_bad_frame_ends_only_its_own_connection(
    stack: Stack, http: httpx.AsyncClient, frame: str | bytes
) -> None:
    """3501 for who sent it; everybody else goes on."""
    async with open_wire(stack.ws_url) as bystander:
        await bystander.subscribe(COUNTER)
        async with open_socket(stack.ws_url) as wire:
            await wire.socket.send(frame)
            ending = await wire.closed()
        await press(http)
        publications = await bystander.publications(1)

    assert ending == (3501, "bad request")
    assert len(publications) == 1


async def test_foreign_origin_is_refused(stack: Stack) -> None:
    """A page of another site is told why."""
    async with open_socket(stack.ws_url, origin="https://evil.example") as wire:
        ending = await wire.closed()

    assert ending == (3507, "permission denied")


async def test_own_origin_is_accepted(stack: Stack) -> None:
    """A page of the same host connects."""
    async with open_wire(stack.ws_url, origin=stack.url) as wire:
        assert isinstance(wire, Wire)


# -- The edge -----------------------------------------------------------------------------------


async def test_edge_sends_only_the_ws_folder_to_realtime(http: httpx.AsyncClient) -> None:
    """/ws and /ws/x belong to realtime; /wsx and the rest to the api."""
    assert (await http.get("/wsx")).status_code == 404
    assert "text/html" in (await http.get("/wsx")).headers["content-type"]
    assert (await http.get("/counter/")).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/healthz", "/readyz"])
async def test_edge_hides_metrics_and_probes(http: httpx.AsyncClient, path: str) -> None:
    """They are for the machines behind the edge."""
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/counter/", "/ws/", "/metrics"])
async def test_edge_says_what_it_allows_instead_of_trace(http: httpx.AsyncClient, path: str) -> None:
    """nginx refuses it itself, whatever the path; a 405 names what goes (RFC 9110 section 15.5.6)."""
    answer = await http.request("TRACE", path)

    assert (answer.status_code, answer.headers.get("Allow")) == (405, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")


async def test_edge_passes_a_request_id_on(stack: Stack, http: httpx.AsyncClient) -> None:
    """An id that looks like one is kept through to the api's log; anything else is replaced."""
    await http.get("/counter/", headers={"X-Request-ID": "request-id-of-this-test"})
    await http.get("/counter/", headers={"X-Request-ID": "bad id with spaces"})
    log = (stack.directory / "api.log").read_text()

    assert "request-id-of-this-test" in log
    assert "bad id with spaces" not in log
