"""What a client says: frames into commands, checked by shape."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from tandem_realtime.protocol.codes import BAD_REQUEST, DisconnectClient

RAW_NULL = msgspec.Raw(b"null")


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


class InChannel(msgspec.Struct, frozen=True):
    """A command about one channel: unsubscribe, presence, presence_stats."""

    channel: str = ""


class Publish(msgspec.Struct, frozen=True):
    """Publish through the socket."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


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
    """One line of a frame: an id and exactly one of the rest. None of them at all is the pong."""

    id: int = 0
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
METHODS = tuple(name for name in Command.__struct_fields__ if name != "id")

_decoder = msgspec.json.Decoder(Command)


def decode_frame(frame: bytes | str) -> Iterator[Command]:
    """
    Read the commands of a text frame, one per line.

    Raises `DisconnectClient` (3501) for what is not a command.
    """
    try:
        # What clients publish is passed on unread: bytes that are not UTF-8 would end the connections that they reach.
        text = frame if isinstance(frame, str) else frame.decode()
        for line in text.split("\n"):
            if line and not line.isspace():
                yield _decoder.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise DisconnectClient(BAD_REQUEST) from error


def method_of(command: Command) -> str:
    """
    Return the one method that *command* names.

    Raises `DisconnectClient` (3501) for none, or more than one.
    """
    named = [name for name in METHODS if getattr(command, name) is not None]
    if len(named) != 1:
        raise DisconnectClient(BAD_REQUEST)
    return named[0]
