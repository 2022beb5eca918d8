"""From a Python value to the JSON text that travels: what Django itself makes is data too."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
from django.utils.duration import duration_iso_string
from django.utils.functional import Promise


def _in_place_of(value: Any) -> Any:
    """Return something that JSON has in the place of *value*; raise `TypeError` where there is nothing."""
    match value:
        case Promise() | UUID():
            return str(value)
        case datetime():
            return _to_milliseconds(value).removesuffix("+00:00") + "Z" * (value.utcoffset() == timedelta(0))
        case date():
            return value.isoformat()
        case time():
            if value.tzinfo is not None:
                raise ValueError(f"{value!r}: a time of day has no time zone in JSON")
            return _to_milliseconds(value)
        case timedelta():
            return duration_iso_string(value)
        case Decimal():
            if not value.is_finite():
                raise ValueError(f"{value} is no number in JSON")
            return str(value)
        case Enum():
            return value.value
        case set() | frozenset():
            return list(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case msgspec.Raw():
            return json.loads(bytes(value))
        case msgspec.Struct():
            return msgspec.json.decode(msgspec.json.encode(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a value of type {type(value).__name__} has no JSON")


def _to_milliseconds(value: datetime | time) -> str:
    return value.isoformat(timespec="milliseconds" if value.microsecond else "auto")


def _make_encoder() -> Callable[[Any, int], Iterable[str]]:
    """Return what `json.JSONEncoder.encode` joins; that makes its C part anew for each value: twice what it takes."""
    encoder = json.JSONEncoder(default=_in_place_of, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    make: Any = json.encoder.c_make_encoder  # type: ignore[attr-defined]  # not in typeshed; None without the C part
    if make is None:
        return lambda value, _: encoder.iterencode(value)
    # In the order of `JSONEncoder.iterencode`. No markers: what contains itself is a RecursionError.
    encode: Callable[[Any, int], Iterable[str]] = make(
        None, _in_place_of, json.encoder.encode_basestring, None, ":", ",", False, False, False
    )
    return encode


_encode = _make_encoder()


def encode_json(value: Any) -> bytes:
    """
    Encode *value* as JSON on one line, as `DjangoJSONEncoder` does. A `msgspec.Raw` on one line passes unchanged.

    Beyond what that knows: dataclasses, enumerations, sets, bytes (as base64) and msgspec's own types.
    Raises `ValueError` for what JSON cannot express, NaN and Infinity included.
    """
    if type(value) is msgspec.Raw:
        text = bytes(value)
        return msgspec.json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text
    try:
        return "".join(_encode(value, 0)).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"data is not JSON: {error}") from error
