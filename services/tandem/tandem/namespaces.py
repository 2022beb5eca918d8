"""What a channel may do: its name, its namespace and that namespace's options. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tandem.errors import InvalidChannel, UnknownNamespace

BUILT_IN: dict[str, dict[str, Any]] = {
    "public": {
        "history_size": 300,
        "history_ttl": 3600,
        "recovery": True,
        "subscribe": "anyone",
        "read_history": "subscribers",
    },
    "notifications": {"history_size": 100, "history_ttl": 86_400, "recovery": True, "personal": True},
}
"""The namespaces that every project has unless it takes them away."""

CANARY = "tandem.canary"
# A realtime process's publications to itself: nobody may subscribe. A stream, short as it is, so that a Redis that
# cannot store is noticed too.
CONTROL = "tandem.control"
CONTROL_CHANNEL = f"{CONTROL}:all"
# What every process must do with its connections, and what was said while one could not hear.
INTERNAL: dict[str, dict[str, Any]] = {
    CANARY: {"history_size": 1, "history_ttl": 60},
    CONTROL: {"history_size": 10_000, "history_ttl": 900},
}

_CHANNEL = re.compile(r"[\x21-\x7e]{1,255}")
_REMEMBERED = 1_000
"""So many channels are looked up once: a publication asks for its own several times."""


class Namespace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    The options of one namespace, off or zero unless given.

    `history_size` is a number of publications, `history_ttl` seconds; both or neither.
    """

    history_size: int = 0
    history_ttl: int = 0
    recovery: bool = False
    latest: bool = False
    subscribe: Literal["anyone", "authenticated", "named"] | None = None
    publish: Literal["subscribers"] | None = None
    read_history: Literal["subscribers"] | None = None
    read_presence: Literal["subscribers"] | None = None
    presence: bool = False
    join_leave: bool = False
    delta: bool = False
    tags_filter: bool = False
    personal: bool = False

    def __post_init__(self) -> None:
        if self.history_size < 0 or self.history_ttl < 0:
            raise ValueError("history_size and history_ttl are zero or more")
        if bool(self.history_size) != bool(self.history_ttl):
            raise ValueError("history_size and history_ttl are set together or not at all")
        for option in ("recovery", "latest", "read_history"):
            if getattr(self, option) and not self.history_size:
                raise ValueError(f"{option} needs history_size and history_ttl")

    @property
    def has_history(self) -> bool:
        """Tell whether publications are kept."""
        return self.history_size > 0


class Namespaces:
    """Every declared namespace. What is not declared is refused."""

    def __init__(self, declared: Mapping[str, Mapping[str, Any]]) -> None:
        self._options: dict[str, Namespace] = {}
        self._adopted: dict[str, Namespace] = {}
        self._found: dict[str, Namespace] = {}
        for name, options in declared.items():
            if name and (":" in name or not _CHANNEL.fullmatch(name)):
                raise ValueError(f"namespace {name!r}: a name is printable ASCII without spaces or colons")
            try:
                self._options[name] = msgspec.convert(dict(options), Namespace)
            except (msgspec.ValidationError, TypeError, ValueError) as error:
                raise ValueError(f"namespace {name!r}: {error}") from error
        self._personal = [name for name, options in self._options.items() if options.personal]

    def of(self, channel: str) -> Namespace:
        """
        Return the options of *channel*'s namespace.

        Raises `InvalidChannel` for a malformed name and `UnknownNamespace` for an undeclared one.
        """
        if (known := self._found.get(channel)) is not None:
            return known
        name = namespace_name(check_channel(channel))
        namespace = self._options.get(name) or self._adopted.get(name)
        if namespace is None:
            raise UnknownNamespace(f"the namespace of {channel!r} is not declared")
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        self._found[channel] = namespace
        return namespace

    def adopt(self, namespaces: Mapping[str, Namespace]) -> None:
        """Learn *namespaces* from somebody who is to be believed. What is declared here stays as it is."""
        if namespaces:
            self._adopted.update(namespaces)
            self._found.clear()

    def personal_channels(self, user: str) -> list[str]:
        """Return the channels that *user* is subscribed to at connect; none for ids that a channel cannot name."""
        if not self._personal or not user:
            return []
        names = [f"{name}:#{user}" if name else f"#{user}" for name in self._personal]
        return [name for name in names if _CHANNEL.fullmatch(name) and users_named_in(name) == [user]]


def check_channel(channel: str) -> str:
    """Return *channel*, or raise `InvalidChannel`: printable ASCII without spaces, 1 to 255 characters."""
    if not _CHANNEL.fullmatch(channel):
        raise InvalidChannel("a channel is 1 to 255 printable ASCII characters without spaces")
    return channel


def namespace_name(channel: str) -> str:
    """Return what stands before the first colon; empty for a channel without one."""
    name, colon, _ = channel.partition(":")
    return name if colon else ""


def users_named_in(channel: str) -> list[str]:
    """Return the user ids after ``#``, comma-separated; none when the channel names nobody."""
    _, mark, users = channel.partition("#")
    return users.split(",") if mark and users else []


def may_subscribe(channel: str, namespace: Namespace, user: str) -> bool:
    """Tell whether *user* (empty: anonymous) may subscribe without a subscription token."""
    match namespace.subscribe:
        case "anyone":
            return True
        case "authenticated":
            return bool(user)
        case "named":
            return bool(user) and user in users_named_in(channel)
        case None:
            return namespace.personal and bool(user) and users_named_in(channel) == [user]
