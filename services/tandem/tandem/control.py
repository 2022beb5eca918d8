"""
Tell every realtime process what to do with connections that are open: end them, add or take a channel, extend them.

Each function acts on the connections that fit all of *user*, *client* (the id that connect answered) and *session* (the
``sid`` of the connection token) that are given; at least one must be. Every process acts within two seconds; one that
has no connection to Redis then acts as soon as it has. What Redis cannot take now, or is told during a pause, waits in
the outbox of a project that has one, and goes first; elsewhere each raises `RedisUnavailable` within a second. Each
raises `RedisReplyError`, and has a twin for async code: `adisconnect`, `aunsubscribe`, `asubscribe`, `arefresh`.

What is told is a channel like any other, with positions: a process that misses a message reads it from the stream.
None of this bars tokens: `tandem.revoke` does, and the end of a login.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec, TypeAlias

import msgspec
from asgiref.sync import sync_to_async

from tandem import conf, last_release, scripts
from tandem.errors import RedisUnavailable, TandemError
from tandem.groups import group_for, shard_for_group
from tandem.namespaces import CONTROL, CONTROL_CHANNEL, INTERNAL, Namespace
from tandem.pause import refuse_while_paused
from tandem.publication import Position, encode_json, pack_body
from tandem.revocations import Revocation, revoke_call
from tandem.scripts import Call
from tandem.shards import shards

CHANNEL = CONTROL_CHANNEL
GROUP = group_for(CHANNEL)
NAMESPACE = Namespace(**INTERNAL[CONTROL])

FORCE_DISCONNECT = 3503

P = ParamSpec("P")

keep: Callable[[bytes], None] | None = None
"""Where a message waits that Redis cannot take: the outbox, in a project that has one."""


class Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag=str.lower, omit_defaults=True):
    """Something that every realtime process is told. To hear it twice is to hear it once."""


class Aimed(Told, frozen=True, kw_only=True):
    """Whom a message is for: the connections that fit every one of these that is not empty."""

    user: str = ""
    client: str = ""
    session: str = ""


class Disconnect(Aimed, frozen=True, kw_only=True):
    """End connections, but for the clients of the *whitelist*."""

    code: int = FORCE_DISCONNECT
    reason: str = "force disconnect"
    whitelist: list[str] = []


class Unsubscribe(Aimed, frozen=True, kw_only=True):
    """Take a channel from connections."""

    channel: str


class Subscribe(Aimed, frozen=True, kw_only=True):
    """Give connections a channel, until `expire_at` (0: for good). `info` and `data` are JSON texts."""

    channel: str
    info: bytes = b""
    data: bytes = b""
    epoch: str = ""
    offset: int = 0
    expire_at: int = 0
    ns: dict[str, Namespace] = {}


class Refresh(Aimed, frozen=True, kw_only=True):
    """Let connections run out at `expire_at` (seconds since 1970, 0 for never), or at once when `expired`."""

    expired: bool = False
    expire_at: int = 0


class Revoke(Told, frozen=True, kw_only=True):
    """End what was revoked. All of it is state in Redis by now: see `tandem.revocations`."""

    revocations: list[Revocation]


class Reread(Told, frozen=True, kw_only=True):
    """Read what was revoked: Redis had lost it, and has it again."""


Message: TypeAlias = Disconnect | Unsubscribe | Subscribe | Refresh | Revoke | Reread


def disconnect(
    *,
    user: str = "",
    client: str = "",
    session: str = "",
    whitelist: Sequence[str] = (),
    code: int = FORCE_DISCONNECT,
    reason: str = "force disconnect",
) -> None:
    """
    End connections with *code* and *reason*, but for the clients of the *whitelist*.

    Clients come back after a code of 3000-3499 and 4000-4499, and after the others if somebody connects them again:
    their tokens stay good.
    """
    whom = {"user": user, "client": client, "session": session}
    _send(Disconnect(**whom, code=code, reason=reason, whitelist=list(whitelist)))


def unsubscribe(channel: str, *, user: str = "", client: str = "", session: str = "") -> None:
    """Take *channel* from connections: the subscriber hears 2000, and does not come back by itself."""
    _send(Unsubscribe(user=user, client=client, session=session, channel=channel))


def subscribe(
    channel: str,
    *,
    user: str = "",
    client: str = "",
    session: str = "",
    info: Any = None,
    data: Any = None,
    since: Position | None = None,
    expire_at: int | None = None,
) -> None:
    """
    Give connections *channel*, from the position *since* on and until *expire_at* (seconds since 1970) if given.

    *info* is shown in the channel's presence, *data* goes to the client with the news.
    """
    epoch, offset = since or ("", 0)
    info_text = b"" if info is None else encode_json(info)
    data_text = b"" if data is None else encode_json(data)
    _send(
        Subscribe(
            user=user,
            client=client,
            session=session,
            channel=channel,
            info=info_text,
            data=data_text,
            epoch=epoch,
            offset=offset,
            expire_at=expire_at or 0,
            ns=namespaces_of(channel),
        )
    )


def refresh(
    *, user: str = "", client: str = "", session: str = "", expired: bool = False, expire_at: int | None = None
) -> None:
    """Let connections run out at *expire_at* (seconds since 1970; None: never), or at once when *expired*."""
    _send(Refresh(user=user, client=client, session=session, expired=expired, expire_at=expire_at or 0))


def revoke(revocations: Sequence[Revocation]) -> None:
    """
    Refuse what tokens say of *revocations*, and end the connections that live on it.

    Raises `RedisUnavailable` or `RedisReplyError`; then they may be kept or not, and nobody was told.
    """
    # First the state, then who reads it.
    _run([(GROUP, revoke_call(revocations)), *tell(Revoke(revocations=list(revocations)))])


def namespaces_of(channel: str) -> dict[str, Namespace]:
    """Return the options of *channel*'s namespace where the sockets may not know them, as tokens carry them."""
    return msgspec.convert(conf.declared_for([channel]), dict[str, Namespace])


def tell(message: Message) -> list[tuple[str, Call]]:
    """
    Return what to run, each with the group that tells on which shard, for every process to hear *message*.

    The first is for this release; what becomes of the others is of no account. Raises as `control_call`.
    """
    before = [(last_release.GROUP, call) for call in last_release.calls_for(message)]
    return [(GROUP, control_call(message)), *before]


def control_call(message: Message) -> Call:
    """
    Turn *message* into a publication in `CHANNEL`.

    Raises `ValueError`, `InvalidChannel` or `UnknownNamespace` for a message that must not be sent.
    """
    _check(message)
    time_ms = time.time_ns() // 1_000_000
    body = pack_body(CHANNEL, msgspec.json.encode(message), tags=b"", info=b"", time=time_ms, request="")
    return scripts.publish_call(CHANNEL, NAMESPACE, body, once=None)


def _check(message: Message) -> None:
    if isinstance(message, Aimed) and not (message.user or message.client or message.session):
        raise ValueError("name a user, a client or a session")
    if isinstance(message, Subscribe | Unsubscribe):
        conf.namespaces().of(message.channel)
    if isinstance(message, Disconnect):
        if not 3000 <= message.code <= 4999:
            raise ValueError(f"a disconnect code is 3000 to 4999, not {message.code}")
        if len(message.reason.encode()) > 123:
            raise ValueError("a disconnect reason has at most 123 bytes")  # RFC 6455, section 5.5


def _send(message: Message) -> None:
    questions = tell(message)
    try:
        refuse_while_paused()  # the sockets may be at another Redis
        _run(questions)
    except RedisUnavailable:
        if keep is None:
            raise
        keep(msgspec.json.encode(message))


def _run(questions: Sequence[tuple[str, Call]]) -> None:
    store = shards()
    replies = store.run_each([(shard_for_group(group, store.count), call) for group, call in questions])
    for (group, _), reply in zip(questions, replies, strict=True):
        if group == GROUP and isinstance(reply, TandemError):
            raise reply


def _later(call: Callable[P, None]) -> Callable[P, Coroutine[Any, Any, None]]:
    return sync_to_async(call, thread_sensitive=False)


adisconnect = _later(disconnect)
aunsubscribe = _later(unsubscribe)
asubscribe = _later(subscribe)
arefresh = _later(refresh)
