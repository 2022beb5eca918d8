"""
Tickets: how a page without an SDK says who it is, where it can only send an address.

The api makes one for the user of the request, the page puts it in the address as ``?ticket=``, realtime takes it: a
ticket works once and for 30 seconds, so an address that ends up in a log is worth nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from asgiref.sync import sync_to_async

from tandem import conf
from tandem.errors import InvalidToken, RedisReplyError
from tandem.groups import shard_for
from tandem.names import plain_key
from tandem.namespaces import Namespace
from tandem.publication import encode_json
from tandem.shards import shards
from tandem.tokens import NO_INFO, ConnectionClaims, check_user

TTL_SECONDS = 30

_MAX_LENGTH = 64


class Ticket(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who connects with a ticket, and to which channels it admits whatever their namespace says."""

    user: str = ""
    session: str = ""
    info: msgspec.Raw = NO_INFO
    channels: list[str] = []
    exp: int = 0
    gen: int = 0
    ns: dict[str, Namespace] = {}

    @property
    def claims(self) -> ConnectionClaims:
        """What a connection token for the same would say."""
        return ConnectionClaims(
            sub=self.user, sid=self.session, info=self.info, channels=self.channels, exp=self.exp, gen=self.gen
        )


def create_ticket(
    user: str,
    *,
    session: str = "",
    channels: Sequence[str] = (),
    info: Any = None,
    expire_at: int = 0,
    generation: int = 0,
    namespaces: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """
    Make a ticket for *user*, good for one connection to ``/ws/uni/``, ``/ws/sse/`` or ``/ws/poll/`` within 30 s.

    *session* ties the connection to a login, as in a connection token. *channels* are those that the user may hear
    beyond what their namespaces say. *expire_at* (seconds since 1970) ends the connection. *generation* and
    *namespaces* are those of a token. Raises `RedisUnavailable`.
    """
    check_user(user)
    for channel in channels:
        conf.namespaces().of(channel)
    raw = NO_INFO if info is None else msgspec.Raw(encode_json(info))
    known = msgspec.convert(dict(namespaces or {}), dict[str, Namespace])
    value = msgspec.json.encode(Ticket(user, session, raw, list(channels), expire_at, generation, known))
    ticket = secrets.token_urlsafe(24)
    store = shards()
    [reply] = store.commands(
        shard_for(ticket, store.count), [("SET", plain_key("ticket", ticket), value, "EX", TTL_SECONDS)]
    )
    if isinstance(reply, RedisReplyError):
        raise reply
    return ticket


acreate_ticket = sync_to_async(create_ticket, thread_sensitive=False)


def take_command(ticket: str) -> tuple[str, str]:
    """Return the Redis command that reads and ends *ticket*. Raises `InvalidToken` for what cannot be one."""
    if not ticket or len(ticket) > _MAX_LENGTH or not ticket.isascii():
        raise InvalidToken("not a ticket")
    return "GETDEL", plain_key("ticket", ticket)


def parse_ticket(reply: bytes | None) -> Ticket:
    """Read the reply of `take_command`. Raises `InvalidToken` for a ticket that is unknown, used or too old."""
    if reply is None:
        raise InvalidToken("the ticket is unknown, used or too old")
    return msgspec.json.decode(reply, type=Ticket)
