"""Logins, passwords, channels and tokens that are revoked end on every process, and stay out."""

from __future__ import annotations

import asyncio
import time

from rig.pair import TOKEN_KEY, Pair
from rig.servers import wait_until
from rig.wire import open_socket, open_wire
from tandem import apublish, control, scripts
from tandem.revocations import Revocation, of_channel, of_login, of_password, of_token, of_user
from tandem.shards import shards
from tandem.tokens import Verifier, secret_keys, subscription_token
from tests.controlled import SOON, push, refused_token, revoke, token, urls


async def test_ended_login_cannot_come_back_with_its_token(pair: Pair) -> None:
    """Its connections end and its tokens are worthless; another login of the user stays."""
    here, there = urls(pair)
    async with (
        open_wire(here, token=token("l", "login-1")) as one,
        open_wire(there, token=token("l", "login-2")) as two,
    ):
        revoke(of_login("login-1"))
        end = await one.closed()
        answer = await two.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        refused = await refused_token(again, token("l", "login-1"))

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "unsubscribe" in answer


async def test_a_generation_decides_and_not_a_clock(pair: Pair) -> None:
    """Tokens made before are refused, those made after in the same second are good; repeats change nothing."""
    here, there = urls(pair)
    async with open_wire(here, token=token("g1")) as old:
        revoke(of_user("g1"), 1)
        end = await old.closed()
        async with open_wire(here, token=token("g1", generation=1)) as new, open_socket(there) as again:
            revoke(of_user("g1"), 1)
            revoke(of_user("g1"), 0)
            refused = await refused_token(again, token("g1"))
            answer = await new.command(refresh={"token": token("g1", generation=1)})

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "refresh" in answer


async def test_changed_password_sends_for_another_token(pair: Pair) -> None:
    """3005 and 109: who is still logged in comes back by himself; a client that has the new token already stays."""
    here, there = urls(pair)
    async with open_wire(here, token=token("pw")) as old, open_wire(there, token=token("pw")) as renewed:
        started = time.monotonic()
        revoke(of_password("pw"), 1)
        await renewed.command(refresh={"token": token("pw", generation=1)})
        end = await old.closed()
        took = time.monotonic() - started
        answer = await renewed.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        error = await again.command(connect={"token": token("pw")})

    assert end == (3005, "connection expired")
    assert took < SOON
    assert "unsubscribe" in answer
    assert error["error"]["code"] == 109


async def test_revoked_channel_ends_alone(pair: Pair) -> None:
    """Its subscription, and the tokens for it that were made before; a new one is good, and the connection stays."""
    here, _ = urls(pair)

    def admission(generation: int) -> str:
        return subscription_token(TOKEN_KEY, "ch", "secret:ch", generation=generation)

    async with open_wire(here, token=token("ch")) as wire, open_wire(here, token=token("other")) as other:
        await wire.subscribe("secret:ch", token=admission(0))
        await other.subscribe("secret:ch", token=subscription_token(TOKEN_KEY, "other", "secret:ch"))
        revoke(of_channel("secret:ch", "ch"), 1)
        told = await push(wire)
        refused = await wire.command(subscribe={"channel": "secret:ch", "token": admission(0)})
        await wire.subscribe("secret:ch", token=admission(1))
        revoke(of_channel("secret:ch", "ch"), 1)
        await apublish("secret:ch", 1)
        heard = [(await push(each))["pub"]["data"] for each in (wire, other)]

    assert told == {"channel": "secret:ch", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}
    assert refused["error"]["code"] == 109
    assert heard == [1, 1]


async def test_one_token_ends_alone(pair: Pair) -> None:
    """Another of the same user and login stays."""
    here, there = urls(pair)
    lost, kept = token("tk", "login-tk"), token("tk", "login-tk")
    claims = Verifier(secret_keys([TOKEN_KEY])).connection(lost)
    async with open_wire(here, token=lost) as one, open_wire(there, token=kept) as two:
        revoke(of_token(claims.jti, "tk"))
        end = await one.closed()
        answer = await two.command(unsubscribe={"channel": "public:x"})
    async with open_socket(there) as again:
        refused = await refused_token(again, lost)

    assert (end, refused) == ((3500, "invalid token"), (3500, "invalid token"))
    assert "unsubscribe" in answer


async def test_process_that_starts_later_knows_what_was_revoked(pair: Pair) -> None:
    """It reads the state, however long ago the log forgot it, in as many pages as it takes."""
    control.revoke([Revocation(of_login(f"early-{number}"), 1, 600 + number % 7) for number in range(2500)])
    shards().commands(0, [("DEL", scripts.stream_key(control.CHANNEL))])
    with pair.another() as late:
        await asyncio.to_thread(wait_until, late.is_ready, what="readiness")
        ends = []
        for number in (0, 999, 1000, 1001, 2499):
            async with open_socket(f"{late.ws_url}/ws/") as wire:
                ends.append(await refused_token(wire, token("l", f"early-{number}")))

    assert ends == [(3500, "invalid token")] * 5
