"""Tickets: once, for a while, for whom they were made."""

from __future__ import annotations

import json

import httpx
import pytest

from rig.pair import Pair, open_stream
from rig.wire import open_socket
from tandem import apublish, control
from tandem.revocations import Revocation, of_login
from tandem.shards import shards
from tandem.tickets import acreate_ticket, create_ticket


def poll_url(pair: Pair, channel: str, ticket: str) -> str:
    return f"{pair.here.url}/ws/poll/?channel={channel}&ticket={ticket}"


async def status(url: str) -> int:
    async with httpx.AsyncClient(timeout=5) as client:
        return (await client.get(url)).status_code


async def test_works_once(pair: Pair) -> None:
    """An address that somebody reads in a log opens nothing, on any process."""
    ticket = await acreate_ticket("42")
    first = await status(poll_url(pair, "members:t", ticket))
    second = await status(poll_url(pair, "members:t", ticket))

    assert (first, second) == (200, 401)


async def test_works_for_thirty_seconds(pair: Pair) -> None:
    """Redis forgets it."""
    ticket = await acreate_ticket("42")
    [milliseconds] = shards().commands(0, [("PTTL", f"tandem:ticket:{ticket}")])

    assert 25_000 < milliseconds <= 30_000


async def test_admits_to_named_channels(pair: Pair) -> None:
    """A ticket can admit to a channel that only holders of a subscription token may hear; to that one alone."""
    admitted = await status(poll_url(pair, "secret:t", await acreate_ticket("42", channels=["secret:t"])))
    refused = await status(poll_url(pair, "secret:u", await acreate_ticket("42", channels=["secret:t"])))

    assert (admitted, refused) == (200, 403)


async def test_malformed_address_does_not_cost_the_ticket(pair: Pair) -> None:
    """What is refused before anyone asks who it is leaves the ticket whole."""
    ticket = await acreate_ticket("42")
    await status(poll_url(pair, "%C3%A9", ticket))

    assert await status(poll_url(pair, "members:t", ticket)) == 200


@pytest.mark.parametrize("ticket", ["", "made-up", "x" * 65, "%C3%A9", "*"])
async def test_what_is_no_ticket_is_401(pair: Pair, ticket: str) -> None:
    """Not even for a channel that anyone may hear: whoever shows a ticket means it."""
    assert await status(poll_url(pair, "public:t", ticket)) == 401


async def test_ended_login_takes_its_tickets_along(pair: Pair) -> None:
    """A ticket made before a logout is worthless after it."""
    ticket = await acreate_ticket("42", session="login-t")
    control.revoke([Revocation(of_login("login-t"), 1, 600)])

    assert await status(poll_url(pair, "members:t", ticket)) == 401


async def test_one_way_socket_takes_a_ticket(pair: Pair) -> None:
    """`/ws/uni/` hears what the ticket's user may hear; without one it is told 3507, with a made-up one 3500."""
    base = f"{pair.there.ws_url}/ws/uni/?channel=members:t"
    async with open_socket(f"{base}&ticket={await acreate_ticket('42')}") as wire:
        reader = wire.pushes
        assert reader.empty()
    async with open_socket(base) as wire:
        nobody = await wire.closed()
    async with open_socket(f"{base}&ticket=made-up") as wire:
        forged = await wire.closed()

    assert (nobody, forged) == ((3507, "permission denied"), (3500, "invalid token"))


async def test_info_and_expiry_are_kept(pair: Pair) -> None:
    """What the ticket says reaches Redis as JSON, and an event stream lives on it."""
    ticket = create_ticket("42", info={"name": "Ada"}, expire_at=4_000_000_000)
    [value] = shards().commands(0, [("GET", f"tandem:ticket:{ticket}")])
    async with open_stream("GET", f"{pair.here.url}/ws/sse?channel=members:t&ticket={ticket}") as lines:
        await lines.event()
        await apublish("members:t", 1)
        event = await lines.event()

    assert json.loads(value) == {"user": "42", "info": {"name": "Ada"}, "exp": 4_000_000_000}
    assert event["data"]["data"] == 1
