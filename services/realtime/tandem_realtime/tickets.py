"""Who connects to a one-way address: whoever its ticket was made for, else nobody in particular."""

from __future__ import annotations

import time

from tandem.errors import InvalidToken
from tandem.groups import shard_for
from tandem.tickets import Ticket, parse_ticket, take_command
from tandem_realtime.revocations import Bar
from tandem_realtime.runtime import Runtime

ANONYMOUS = Ticket()


async def take_ticket(runtime: Runtime, query: dict[str, list[str]]) -> Ticket:
    """
    Return the ticket that an address carries as ``?ticket=``; it cannot be used again.

    Raises `InvalidToken`, `RedisUnavailable` or `RedisReplyError`.
    """
    if "ticket" not in query:
        return ANONYMOUS
    [*_, ticket] = query["ticket"]
    command = take_command(ticket)
    client = runtime.shards.clients[shard_for(ticket, len(runtime.shards.clients))]
    return _holding(runtime, parse_ticket(await client.execute(*command)))


def resumed_ticket(runtime: Runtime, query: dict[str, list[str]], right: str) -> Ticket | None:
    """Return what the ticket of an address said when it was taken, as *right* says; None where that is no right."""
    if not right or "ticket" not in query:
        return None
    try:
        return _holding(runtime, runtime.rights.read(right, query["ticket"][-1]))
    except InvalidToken:
        return None


def _holding(runtime: Runtime, ticket: Ticket) -> Ticket:
    """Return *ticket*. Raises `InvalidToken` for one whose login or user was ended, or whose channel was."""
    if runtime.revocations.bar(ticket.claims, time.monotonic()) is not Bar.NOTHING:
        error = InvalidToken("what this ticket says holds no more")
        error.user = ticket.user
        raise error
    return ticket
