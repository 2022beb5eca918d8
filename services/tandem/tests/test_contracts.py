"""Types of Python as TypeScript has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, NotRequired, TypedDict
from uuid import UUID

import msgspec
import pytest
from django.core.management import CommandError, call_command
from django.db.models import TextChoices
from ninja import Schema

import tandem
from tandem.contracts import declaring
from tandem.contracts.typescript import Unwritable, Writer, write
from tandem.json_text import encode_json

Key = NewType("Key", int)


class Status(TextChoices):
    """Django's own kind of enumeration."""

    NEW = "new", "New"
    PAID = "paid", "Paid"


class Level(IntEnum):
    """One of numbers."""

    LOW = 1
    HIGH = 2


@dataclass
class Line:
    """A dataclass inside of another."""

    name: str
    price: Decimal
    tags: set[str]


@dataclass
class OrderChanged:
    """A dataclass with everything that can be said."""

    pk: Key
    status: Status
    level: Level
    lines: list[Line]
    placed: datetime | None
    key: Annotated[UUID, "unique"]
    pair: tuple[int, str]
    many: tuple[float, ...]
    extra: Mapping[str, Sequence[Line]]
    kind: Literal["order", 7, True]
    whatever: Any = None


class OrderGone(TypedDict):
    """A dict."""

    type: Literal["gone"]
    reason: NotRequired[str]


class Ping(msgspec.Struct, tag="ping", rename="camel", omit_defaults=True):
    """A struct, with names of its own on the wire."""

    sent_at: int
    note_text: str = ""


class Seen(Schema):
    """A model of pydantic."""

    user_id: int
    is_new: bool | None


EXPECTED = """// Made by `manage.py tandem types`. What is published to which channels.
import "django-tandem";

export interface OrderChanged {
  pk: number;
  status: "new" | "paid";
  level: 1 | 2;
  lines: Array<Line>;
  placed: string | null;
  key: string;
  pair: [number, string];
  many: Array<number>;
  extra: Record<string, Array<Line>>;
  kind: "order" | 7 | true;
  whatever: unknown;
}

export interface Line {
  name: string;
  price: string;
  tags: Array<string>;
}

export interface OrderGone {
  type: "gone";
  reason?: string;
}

export interface Ping {
  type: "ping";
  sentAt: number;
  noteText?: string;
}

export interface Seen {
  user_id: number;
  is_new: boolean | null;
}

declare module "django-tandem" {
  interface Publications {
    [channel: `order:${string}`]: OrderChanged | OrderGone;
    [channel: `desk:${string}/${string}`]: Ping;
    "public:seen": Seen;
  }
}
"""


@pytest.fixture(autouse=True)
def _no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contracts of this test alone."""
    monkeypatch.setattr(declaring, "_contracts", {})


def declare() -> None:
    """Make the contracts."""
    tandem.contract("order:{pk}")(OrderChanged)
    tandem.contract("order:{pk}")(OrderGone)
    tandem.contract("order:{pk}")(OrderGone)
    tandem.contract("desk:{tenant}/{name:slug}")(Ping)
    tandem.contract("public:seen")(Seen)


def test_types_of_every_kind() -> None:
    """Each with fields is an interface, once; everything else stands in its place."""
    declare()

    assert write(declaring.contracts()) == EXPECTED


def test_types_say_what_is_published() -> None:
    """The values of the types above, as they go over the wire."""
    ping = json.loads(encode_json(Ping(1)))
    line = json.loads(encode_json(Line("a", Decimal("1.50"), {"x"})))

    assert ping == {"type": "ping", "sentAt": 1}
    assert line == {"name": "a", "price": "1.50", "tags": ["x"]}
    assert json.loads(encode_json([Status.NEW, Level.HIGH, (1, "a")])) == ["new", 2, [1, "a"]]


@pytest.mark.parametrize("kind", [complex, type, list[complex]])
def test_type_that_cannot_be_told_is_refused(kind: Any) -> None:
    """Not written as unknown."""
    with pytest.raises(Unwritable, match="has no type in TypeScript here"):
        Writer().of(kind)


def test_two_types_of_one_name_are_refused() -> None:
    """Each interface is of one type."""
    other: Any = dataclass(type("Line", (), {"__annotations__": {"x": int}}))
    with pytest.raises(Unwritable, match=r"two types are called Line: tests\.test_contracts\.Line and"):
        write({"order:{pk}": [Line, other]})


def test_contract_of_no_fields_is_refused() -> None:
    """A text is no contract: nothing could be added to it."""
    with pytest.raises(Unwritable, match=r"builtins\.str is no dataclass, TypedDict, msgspec\.Struct or model"):
        write({"order:{pk}": [str]})


@pytest.mark.parametrize("pattern", ["order:{pk", "order:{}", "order {pk}", ""])
def test_pattern_that_is_no_channel_s_is_refused(pattern: str) -> None:
    """Where it stands."""
    with pytest.raises(ValueError, match=r"a channel is|a pattern is"):
        tandem.contract(pattern)


def said(*arguments: str) -> str:
    """Run the command and return what it says."""
    out = StringIO()
    call_command("tandem", "types", *arguments, stdout=out)
    return out.getvalue()


def test_command_writes_and_checks(tmp_path: Path) -> None:
    """To a file, or to standard output; with --check a file that says something else is an error."""
    tandem.contract("kept:{pk}")(OrderGone)
    path = tmp_path / "types.d.ts"
    said("--output", str(path))
    said("--output", str(path), "--check")
    text = said()
    path.write_text(text + " ")

    assert "[channel: `kept:${string}`]: OrderGone;" in text
    with pytest.raises(CommandError, match="is not what the contracts say"):
        said("--output", str(path), "--check")
    with pytest.raises(CommandError, match="name it with --output"):
        said("--check")


def test_command_knows_the_namespaces() -> None:
    """To a channel of none nothing can be published."""
    tandem.contract("nowhere:{pk}")(OrderGone)
    with pytest.raises(CommandError, match="nowhere"):
        said()
