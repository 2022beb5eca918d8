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
    taken = parse_ticket(await client.execute(*command))
    if runtime.revocations.bar(taken.claims, time.monotonic()) is not Bar.NOTHING:
        raise InvalidToken("what this ticket says holds no more")
    return taken
