"""What the inbox answers, as types: for its OpenAPI page, and for a test that holds the answers against them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Versions = tuple[int, int]
Severity = Literal["info", "success", "warning", "error"]


class Own(msgspec.Struct, forbid_unknown_fields=True):
    """What is a user's alone."""

    unseen: int
    unread: int
    begins_after: int
    seen_up_to: int
    read_up_to: int
    read: list[int]
    archived: list[int]
    muted: Annotated[list[str], msgspec.Meta(description="kinds whose announcements he does not want")]


class Shared(msgspec.Struct, forbid_unknown_fields=True):
    """The tenant's announcements that are there."""

    live: list[int]
    kinds: Annotated[list[str], msgspec.Meta(description="those of the live ones, in their order")]


class State(msgspec.Struct, forbid_unknown_fields=True):
    """Both registers, and the totals that follow from them."""

    tenant: str
    version: Annotated[Versions, msgspec.Meta(description="of what is the user's own, and of the announcements")]
    unseen: int
    unread: int
    own: Own
    shared: Shared


class Item(msgspec.Struct, forbid_unknown_fields=True):
    """A notification, or an announcement, as its reader sees it. Title and body are text, no HTML."""

    id: str
    number: int | None
    version: Versions
    order: int
    kind: str
    category: str
    severity: Severity
    title: str
    body: str
    url: str
    actor: str
    target: str
    count: int
    thread: str
    data: Any
    created: str
    arrived: str
    expires: str | None
    seen: bool
    read: bool
    archived: bool


class Channels(msgspec.Struct, forbid_unknown_fields=True):
    """Where the changes are published."""

    own: str
    shared: str


class Positions(msgspec.Struct, forbid_unknown_fields=True):
    """Where the channels stood before the rows were read; null where that cannot be said."""

    own: str | None
    shared: str | None


class ListAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """A page of the inbox."""

    state: State
    items: list[Item]
    next: str | None
    categories: dict[str, str]
    channels: Channels
    positions: Positions


class CountsAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """What a badge shows."""

    state: State
    channels: Channels


class ItemAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """One item."""

    state: State
    item: Item


class MarkAnswer(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What came of a mark."""

    state: State
    ids: list[str] = []


class KindPreference(msgspec.Struct, forbid_unknown_fields=True):
    """By which media a kind comes."""

    kind: str
    label: str
    category: str
    critical: bool
    media: dict[str, bool]


class PreferencesAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """What a user wants to hear of."""

    kinds: list[KindPreference]
    media: dict[str, str]
    threads: list[str]


class Refusal(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Why not; which parameter or field is at fault, if it is one."""

    error: str
    field: str = ""
