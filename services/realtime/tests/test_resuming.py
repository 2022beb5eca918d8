"""The right to resume: an EventSource comes back with a spent ticket and the id that it last saw."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from rig.pair import Pair, open_stream
from tandem import apublish, control
from tandem.errors import InvalidToken
from tandem.revocations import Revocation, of_login
from tandem.tickets import Ticket, acreate_ticket
from tandem_realtime.resuming import Rights

SAID = Ticket(user="42", session="s", channels=["secret:x"], gen=3)


def rights(*secrets: str, now: float = 1000) -> Rights:
    """Rights of a project with these secrets."""
    return Rights(secrets, seconds=600, now=lambda: now)


def made(maker: Rights, ticket: str = "t") -> str:
    """Return a right of *ticket*."""
    right = maker.resumption(SAID, ticket)
    assert right is not None
    return right()


def test_right_says_what_the_ticket_said() -> None:
    """Also where the secret that signed it is now the second."""
    text = made(rights("old"))

    assert rights("old").read(text, "t") == SAID
    assert rights("new", "old", now=1599).read(text, "t") == SAID


@pytest.mark.parametrize(
    ("reader", "ticket", "changed"),
    [
        (rights("other"), "t", False),
        (rights("secret", now=1601), "t", False),
        (rights("secret"), "another", False),
        (rights("secret"), "t", True),
        (rights(), "t", False),
    ],
    ids=["forged", "over", "of another ticket", "changed", "without secrets"],
)
def test_right_that_is_none(reader: Rights, ticket: str, changed: bool) -> None:
    """Is refused."""
    text = made(rights("secret"))
    with pytest.raises(InvalidToken):
        reader.read("A" + text[1:] if changed else text, ticket)
    for nonsense in ("", ".", "x.y", "é.é"):
        with pytest.raises(InvalidToken):
            rights("secret").read(nonsense, "t")


def test_no_secrets_no_rights() -> None:
    """Where somebody else signs the tokens; nor without a ticket."""
    assert rights().resumption(SAID, "t") is None
    assert rights("secret").resumption(SAID, "") is None


def test_right_is_made_anew_before_it_is_over() -> None:
    """Not for each event: a minute of ten is soon enough."""
    now = [1000.0]
    right = Rights(["secret"], seconds=600, now=lambda: now[0]).resumption(SAID, "t")
    assert right is not None
    first = right()
    now[0] += 59
    second = right()
    now[0] += 2

    assert (first == second, right() == first) == (True, False)


async def test_ten_cuts_one_ticket(pair: Pair) -> None:
    """Every publication is there once, whatever the process; two channels, one of which only the ticket admits to."""
    ticket = await acreate_ticket("42", session="s", channels=["secret:cut"])
    query = f"/ws/sse/?channel=secret:cut&channel=members:cut&ticket={ticket}"
    seen: list[Any] = []
    headers: dict[str, str] = {}
    for number in range(10):
        here = (pair.here, pair.there)[number % 2]
        async with open_stream("GET", here.url + query, headers=headers) as lines:
            events = [await lines.event() for _ in range(2 if not headers else 3)]
            await apublish("members:cut", f"heard {number}")
            events.append(await lines.event())
        await apublish("secret:cut", f"missed {number}")
        headers = {"Last-Event-ID": events[-1]["id"]}
        seen += [event["data"]["data"] for event in events if "event" not in event]

    missed = [[f"missed {number - 1}"] * (number > 0) + [f"heard {number}"] for number in range(10)]
    assert seen == [each for part in missed for each in part]


async def test_right_ends_with_its_login(pair: Pair) -> None:
    """As the ticket itself would; and it opens no other address."""
    ticket = await acreate_ticket("42", session="ended")
    query = f"/ws/sse/?channel=members:end&ticket={ticket}"
    async with open_stream("GET", pair.here.url + query) as lines:
        last = (await lines.event())["id"]
    async with httpx.AsyncClient(timeout=5) as client:
        headers = {"Last-Event-ID": last}
        without = await client.get(f"{pair.here.url}/ws/sse/?channel=members:end", headers=headers)
        other = await client.get(pair.here.url + query.replace("members:end", "secret:end"), headers=headers)
        await asyncio.to_thread(control.revoke, [Revocation(of_login("ended"), 1, 600)])
        await asyncio.sleep(0.5)
        ended = await client.get(pair.here.url + query, headers=headers)

    assert (without.status_code, other.status_code, ended.status_code) == (403, 403, 401)


async def test_unknown_form_is_refused(pair: Pair) -> None:
    """Not served as if it were not there."""
    async with httpx.AsyncClient(timeout=5) as client:
        answer = await client.get(f"{pair.here.url}/ws/sse/?channel=public:x&as=turbo")

    assert (answer.status_code, answer.json()["code"]) == (400, 107)


async def test_datastar_s_response_breaks_off(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its reader comes back to nothing else; a one-way socket hears 1012, as every plain client knows it."""
    with Pair(tmp_path_factory.mktemp("drain")) as own:
        async with (
            connect(f"{own.here.ws_url}/ws/uni/?channel=public:x") as socket,
            open_stream("GET", f"{own.here.url}/ws/sse/?channel=public:x&as=datastar") as lines,
        ):
            await lines.line()
            own.here.process.terminate()  # type: ignore[union-attr]
            with pytest.raises(httpx.TransportError):
                await lines.end()
            await socket.wait_closed()

    assert (socket.close_code, socket.close_reason) == (1012, "service restart")
