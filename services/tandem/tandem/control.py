"""
Tell every realtime process what to do with connections that are open: end them, add or take a channel, extend them.

Each function acts on the connections that fit all of *user*, *client* (the id that connect answered) and *session* (the
``sid`` of the connection token) that are given; at least one must be. Every process acts within two seconds; one that
has no connection to Redis then acts as soon as it has. Each raises `RedisUnavailable` within a second, or
`RedisReplyError`, and has a twin for async code: `adisconnect`, `aunsubscribe`, `asubscribe`, `arefresh`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec, TypeAlias

import msgspec
from asgiref.sync import sync_to_async

from tandem import conf, scripts
from tandem.groups import layer_channel, shard_for_group
from tandem.publication import Position, encode_json
from tandem.scripts import Call
from tandem.shards import shards

GROUP = "tandem.control"
LOG_KEY = "tandem:control"
LOG_LENGTH = 10_000
LOG_SECONDS = 900

FORCE_DISCONNECT = 3503

P = ParamSpec("P")

_CONTROL = scripts.load("control")


class Aimed(msgspec.Struct, frozen=True, kw_only=True, tag_field="do", tag=str.lower):
    """Whom a message is for: the connections that fit every one of these that is not empty."""

    type: str = "control"
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
    """Give connections a channel. `info` and `data` are JSON texts."""

    channel: str
    info: bytes = b""
    data: bytes = b""
    epoch: str = ""
    offset: int = 0


class Refresh(Aimed, frozen=True, kw_only=True):
    """Let connections run out at `expire_at` (seconds since 1970, 0 for never), or at once when `expired`."""

    expired: bool = False
    expire_at: int = 0


Message: TypeAlias = Disconnect | Unsubscribe | Subscribe | Refresh


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

    Clients come back after a code of 3000-3499 and 4000-4499. A *session* that is ended with 3500 to 3999 stays ended:
    its tokens are refused from then on.
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
) -> None:
    """
    Give connections *channel*, from the position *since* on if that is given.

    *info* is shown in the channel's presence, *data* goes to the client with the news.
    """
    epoch, offset = since or ("", 0)
    info_text = b"" if info is None else encode_json(info)
    data_text = b"" if data is None else encode_json(data)
    whom = {"user": user, "client": client, "session": session}
    _send(Subscribe(**whom, channel=channel, info=info_text, data=data_text, epoch=epoch, offset=offset))


def refresh(
    *, user: str = "", client: str = "", session: str = "", expired: bool = False, expire_at: int | None = None
) -> None:
    """Let connections run out at *expire_at* (seconds since 1970; None: never), or at once when *expired*."""
    _send(Refresh(user=user, client=client, session=session, expired=expired, expire_at=expire_at or 0))


def control_call(message: Message) -> Call:
    """
    Turn *message* into a run of the control script, on the shard of `GROUP`.

    Raises `ValueError`, `InvalidChannel` or `UnknownNamespace` for a message that must not be sent.
    """
    _check(message)
    body = msgspec.msgpack.encode(message)
    return Call(_CONTROL, (LOG_KEY,), (layer_channel(GROUP), body, LOG_LENGTH, LOG_SECONDS))


def _check(message: Message) -> None:
    if not (message.user or message.client or message.session):
        raise ValueError("name a user, a client or a session")
    if isinstance(message, Subscribe | Unsubscribe):
        conf.namespaces().of(message.channel)
    if isinstance(message, Disconnect):
        if not 3000 <= message.code <= 4999:
            raise ValueError(f"a disconnect code is 3000 to 4999, not {message.code}")
        if len(message.reason.encode()) > 123:
            raise ValueError("a disconnect reason has at most 123 bytes")  # RFC 6455, section 5.5


def _send(message: Message) -> None:
    store = shards()
    store.run_on(shard_for_group(GROUP, len(store.clients)), control_call(message))


def _later(call: Callable[P, None]) -> Callable[P, Coroutine[Any, Any, None]]:
    return sync_to_async(call, thread_sensitive=False)


adisconnect = _later(disconnect)
aunsubscribe = _later(unsubscribe)
asubscribe = _later(subscribe)
arefresh = _later(refresh)
