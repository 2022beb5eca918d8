"""
What may be asked: one type for each method, as ``cent`` sends it. No I/O here.

Unknown fields are ignored, but for those of other servers without which a request means something else: options for one
subscription that are not its namespace's. They are refused.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from tandem.publication import NOTHING, from_base64


class Encoded(msgspec.Struct, kw_only=True):
    """A request whose JSON may come in base64 instead, under a name of its own (`in_base64`)."""

    in_base64: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        for name in self.in_base64:
            if text := getattr(self, f"b64{name}"):
                if bytes(getattr(self, name)) not in (b"", b"null"):
                    raise ValueError(f"{name} and b64{name} are two of one")
                setattr(self, name, from_base64(text))


class StreamPosition(msgspec.Struct):
    """A place in a stream."""

    offset: int = 0
    epoch: str = ""


class Disconnected(msgspec.Struct):
    """The code and reason that a client gets to see."""

    code: int = 3503
    reason: str = "force disconnect"


class Published(Encoded, kw_only=True):
    """
    What is published. `data` is any JSON value, passed on byte for byte.

    With a `version` it is published unless that is outdated: see `tandem.publish`.
    """

    data: msgspec.Raw = NOTHING
    idempotency_key: str = ""
    tags: dict[str, str] = {}
    skip_history: bool = False
    version: int | None = None
    version_epoch: str | None = None
    b64data: str | None = None
    in_base64 = ("data",)

    def __post_init__(self) -> None:
        super().__post_init__()  # first: data may come in base64
        if not bytes(self.data):
            raise ValueError("data is missing")


class Publish(Published, kw_only=True):
    """Publish to one channel."""

    channel: str


class Broadcast(Published, kw_only=True):
    """Publish the same to many channels."""

    channels: list[str]


class Aimed(msgspec.Struct, kw_only=True):
    """Whom it concerns: the connections that fit all that is given."""

    user: str = ""
    client: str = ""
    session: str = ""


class BoolValue(msgspec.Struct, kw_only=True):
    """What an option is overridden with."""

    value: bool = False


class Override(msgspec.Struct, kw_only=True):
    """Options for one subscription. They are its namespace's here: what says the same is accepted."""

    presence: BoolValue | None = None
    join_leave: BoolValue | None = None
    force_push_join_leave: BoolValue | None = None
    force_recovery: BoolValue | None = None
    force_positioning: BoolValue | None = None


class Subscribe(Aimed, Encoded, kw_only=True):
    """
    Give connections a channel. `info` and `data` are any JSON values, passed on byte for byte; null is none.

    The subscription ends at `expire_at` (seconds since 1970) unless that is 0.
    """

    channel: str
    info: msgspec.Raw = NOTHING
    data: msgspec.Raw = NOTHING
    recover_since: StreamPosition | None = None
    b64data: str | None = None
    b64info: str | None = None
    override: Override | None = None
    expire_at: int | None = None
    in_base64 = ("data", "info")


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
