"""
What may be asked: one type for each method, as ``cent`` sends it. No I/O here.

Unknown fields are ignored, but for those of other servers without which a request means something else: binary data,
options for one subscription. They are refused.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

NOTHING = msgspec.Raw(b"")


class Careful(msgspec.Struct, kw_only=True):
    """A request that does not ignore what it cannot do."""

    refused: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.refused:
            if getattr(self, name):
                raise ValueError(f"{name} is not supported")


class StreamPosition(msgspec.Struct):
    """A place in a stream."""

    offset: int = 0
    epoch: str = ""


class Disconnected(msgspec.Struct):
    """The code and reason that a client gets to see."""

    code: int = 3503
    reason: str = "force disconnect"


class Published(Careful, kw_only=True):
    """What is published. `data` is any JSON value, passed on byte for byte."""

    data: msgspec.Raw = NOTHING
    idempotency_key: str = ""
    tags: dict[str, str] = {}
    skip_history: bool = False
    b64data: Any = None
    refused = ("b64data",)

    def __post_init__(self) -> None:
        super().__post_init__()  # first: binary data comes without the other
        if not bytes(self.data):
            raise ValueError("data is missing")


class Publish(Published, kw_only=True):
    """Publish to one channel."""

    channel: str


class Broadcast(Published, kw_only=True):
    """Publish the same to many channels."""

    channels: list[str]


class Aimed(Careful, kw_only=True):
    """Whom it concerns: the connections that fit all that is given."""

    user: str = ""
    client: str = ""
    session: str = ""


class Subscribe(Aimed, kw_only=True):
    """Give connections a channel. `info` and `data` are any JSON values, passed on byte for byte; null is none."""

    channel: str
    info: msgspec.Raw = NOTHING
    data: msgspec.Raw = NOTHING
    recover_since: StreamPosition | None = None
    b64data: Any = None
    b64info: Any = None
    override: Any = None
    expire_at: Any = None
    refused = ("b64data", "b64info", "override", "expire_at")


class Unsubscribe(Aimed, kw_only=True):
    """Take a channel from connections."""

    channel: str


class Disconnect(Aimed, kw_only=True):
    """End connections, but for the clients of the whitelist."""

    whitelist: list[str] = []
    disconnect: Disconnected = msgspec.field(default_factory=Disconnected)


class Refresh(Aimed, kw_only=True):
    """Let connections run out at a time (seconds since 1970), or at once."""

    expired: bool = False
    expire_at: int | None = None


class OfChannel(msgspec.Struct):
    """What needs no more than a channel: presence, presence_stats, history_remove."""

    channel: str


class History(msgspec.Struct):
    """Recent publications; without `limit` only the position."""

    channel: str
    limit: int = 0
    since: StreamPosition | None = None
    reverse: bool = False


class Channels(msgspec.Struct):
    """The channels with subscribers; `pattern` has ``*``, ``?`` and ``[...]`` as a shell has them."""

    pattern: str = ""


class Nothing(msgspec.Struct):
    """What needs no parameters: info."""


class Batch(msgspec.Struct):
    """Several commands, each an object of one method and its parameters, done in this order."""

    commands: list[dict[str, msgspec.Raw]]
