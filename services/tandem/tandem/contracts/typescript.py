"""From types of Python to TypeScript's, as `tandem.json_text` writes their values. No I/O here."""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from tandem.contracts.declaring import template_of

HEAD = """// Made by `manage.py tandem types`. What is published to which channels.
import "django-tandem";
"""
_PLAIN: dict[Any, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    Any: "unknown",
    object: "unknown",
    **dict.fromkeys((str, bytes, bytearray, datetime, date, time, timedelta, UUID, Decimal), "string"),
}
_LISTS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Iterable, collections.abc.Set)
_RECORDS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


class Unwritable(TypeError):
    """A type that TypeScript has no word for here."""


def write(contracts: Mapping[str, Sequence[type]]) -> str:
    """
    Return a module that declares the types of *contracts* and tells tandem.js's ``subscribe`` of them.

    Raises `Unwritable` for a type that cannot be told, or two of the same name.
    """
    writer = Writer()
    lines = [
        f"    {_channel(pattern)}: {' | '.join(writer.named(kind) for kind in kinds)};\n"
        for pattern, kinds in contracts.items()
    ]
    registry = 'declare module "django-tandem" {\n  interface Publications {\n' + "".join(lines) + "  }\n}\n"
    return "\n".join([HEAD, *writer.texts, registry])


class Writer:
    """Writes an interface for each type with fields, once, and everything else in its place."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._names: dict[str, type] = {}

    def named(self, kind: type) -> str:
        """Return the name of the interface of *kind*. Raises `Unwritable` as `write` does."""
        name = kind.__name__
        if self._names.get(name, kind) is not kind:
            raise Unwritable(f"two types are called {name}: {_place(self._names[name])} and {_place(kind)}")
        if name not in self._names:
            self._names[name] = kind
            fields = fields_of(kind)
            place = len(self.texts)
            self.texts.append("")  # those that it uses come behind it
            lines = [f"  {key(field)}{'?' if optional else ''}: {self.of(of)};\n" for field, of, optional in fields]
            self.texts[place] = f"export interface {name} {{\n{''.join(lines)}}}\n"
        return name

    def of(self, kind: Any) -> str:
        """Return *kind* as it stands behind a colon."""
        origin, args = get_origin(kind), get_args(kind)
        if kind in _PLAIN:
            return _PLAIN[kind]
        if origin in (Annotated, NotRequired, Required):
            return self.of(args[0])
        if origin is Literal:
            return " | ".join(json.dumps(each.value if isinstance(each, Enum) else each) for each in args)
        if origin in (Union, types.UnionType):
            return " | ".join(dict.fromkeys(self.of(each) for each in args))
        if isinstance(kind, typing.NewType):
            return self.of(kind.__supertype__)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return " | ".join(json.dumps(each.value) for each in kind)
        if origin is tuple and args[-1:] != (...,):
            return f"[{', '.join(self.of(each) for each in args)}]"
        if kind in _LISTS or origin in (*_LISTS, tuple):
            return f"Array<{self.of(args[0]) if args else 'unknown'}>"
        if kind in _RECORDS or origin in _RECORDS:
            return f"Record<string, {self.of(args[1]) if args else 'unknown'}>"
        if isinstance(kind, type) and has_fields(kind):
            return self.named(kind)
        raise Unwritable(f"{kind!r} has no type in TypeScript here")


def has_fields(kind: type) -> bool:
    """Tell whether *kind* is written as an object."""
    is_typed_dict = typing.is_typeddict(kind)
    return dataclasses.is_dataclass(kind) or is_typed_dict or hasattr(kind, "model_fields") or _is_struct(kind)


def fields_of(kind: type) -> list[tuple[str, Any, bool]]:
    """Return name, type, and whether it may be missing, of each field. Raises `Unwritable` for what has none."""
    if not has_fields(kind):
        raise Unwritable(f"{_place(kind)} is no dataclass, TypedDict, msgspec.Struct or model of pydantic")
    hints = get_type_hints(kind, include_extras=True)
    if typing.is_typeddict(kind):
        # What annotations written as texts say of a key, the class does not know.
        optional = typing.cast(Any, kind).__optional_keys__
        return [(name, of, _may_miss(of, default=name in optional)) for name, of in hints.items()]
    if _is_struct(kind):
        return _fields_of_struct(kind, hints)
    names = [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []
    return [(name, hints[name], False) for name in names or typing.cast(Any, kind).model_fields]


def _fields_of_struct(kind: type, hints: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    config = typing.cast(Any, kind).__struct_config__
    tag = [(config.tag_field, Literal[config.tag], False)] if config.tag_field else []
    fields = msgspec.structs.fields(kind)
    return tag + [(each.encode_name, hints[each.name], config.omit_defaults and not each.required) for each in fields]


def _may_miss(kind: Any, *, default: bool) -> bool:
    origin = get_origin(kind)
    return origin is NotRequired or (default and origin is not Required)


def key(name: str) -> str:
    """Return *name* as the key of an interface."""
    return name if name.isidentifier() and name.isascii() else json.dumps(name)


def _is_struct(kind: type) -> bool:
    return issubclass(kind, msgspec.Struct)


def _channel(pattern: str) -> str:
    template = template_of(pattern)
    return json.dumps(pattern) if template == pattern else f"[channel: `{template}`]"


def _place(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
