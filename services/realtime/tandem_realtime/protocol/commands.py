"""What a client says: commands, checked by shape. Each dialect reads them from frames of its own."""

from __future__ import annotations

from itertools import compress
from typing import Annotated, Any

import msgspec

from tandem_realtime.protocol.codes import BAD_REQUEST, DisconnectClient
from tandem_realtime.protocol.filters import FilterNode

RAW_NULL = msgspec.Raw(b"null")

CommandId = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]


class SubscribeAt(msgspec.Struct, frozen=True):
    """Where the client stands in a server-side subscription that it had before."""

    recover: bool = False
    epoch: str = ""
    offset: int = 0


class Connect(msgspec.Struct, frozen=True):
    """The first command."""

    token: str = ""
    name: str = ""
    version: str = ""
    data: msgspec.Raw = RAW_NULL
    subs: dict[str, SubscribeAt] = {}


class Subscribe(msgspec.Struct, frozen=True):
    """Ask for a channel, from now on or from a position."""

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: int = 0
    data: msgspec.Raw = RAW_NULL
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: FilterNode | None = None
    flag: int = 0
    type: int = 0
    phase: int = 0
    cursor: str = ""
    limit: int = 0
    asc: bool = False


class InChannel(msgspec.Struct, frozen=True):
    """A command about one channel: unsubscribe, presence, presence_stats."""

    channel: str = ""


class Publish(msgspec.Struct, frozen=True):
    """Publish through the socket."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")
    type: int = 0
    key: str = ""
    removed: bool = False


class Since(msgspec.Struct, frozen=True):
    """A position, as the history command gives it."""

    offset: int = 0
    epoch: str = ""


class History(msgspec.Struct, frozen=True):
    """Ask for recent publications."""

    channel: str = ""
    limit: int = 0
    since: Since | None = None
    reverse: bool = False


class Refresh(msgspec.Struct, frozen=True):
    """A new connection token."""

    token: str = ""


class SubRefresh(msgspec.Struct, frozen=True):
    """A new subscription token."""

    channel: str = ""
    token: str = ""
    type: int = 0
    track: list[Any] = []
    untrack: list[str] = []


class Call(msgspec.Struct, frozen=True):
    """A remote procedure call."""

    method: str = ""
    data: msgspec.Raw = RAW_NULL


class Message(msgspec.Struct, frozen=True):
    """A message that wants no reply."""

    data: msgspec.Raw = RAW_NULL


class Empty(msgspec.Struct, frozen=True):
    """A command without content."""


class Command(msgspec.Struct, frozen=True):
    """One message of a frame: an id and exactly one of the rest. None of them at all is the pong."""

    id: CommandId = 0
    connect: Connect | None = None
    subscribe: Subscribe | None = None
    unsubscribe: InChannel | None = None
    publish: Publish | None = None
    presence: InChannel | None = None
    presence_stats: InChannel | None = None
    history: History | None = None
    rpc: Call | None = None
    send: Message | None = None
    refresh: Refresh | None = None
    sub_refresh: SubRefresh | None = None
    ping: Empty | None = None

    @property
    def is_pong(self) -> bool:
        """Tell whether this is ``{}``."""
        return self == PONG


PONG = Command()
METHODS = Command.__struct_fields__[1:]


def method_of(command: Command) -> str:
    """
    Return the one method that *command* names.

    Raises `DisconnectClient` (3501) for none, or more than one.
    """
    named = msgspec.structs.astuple(command)[1:]
    try:
        (method,) = compress(METHODS, named)  # None alone is false
    except ValueError:
        raise DisconnectClient(BAD_REQUEST) from None
    return method
