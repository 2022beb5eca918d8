"""What Django's own functions return is data; what JSON does not have is refused at the call."""

from __future__ import annotations

import dataclasses
import json
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import IntegerChoices, TextChoices
from django.template import Context, Engine
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from tandem.json_text import encode_json


class Size(TextChoices):
    SMALL = "S", gettext_lazy("small")


class Rank(IntegerChoices):
    FIRST = 1, "first"


@pytest.mark.parametrize(
    "value",
    [
        Engine().from_string("<li>{{ x }}</li>").render(Context({"x": "ä"})),
        format_html("<b>{}</b>", 1),
        {mark_safe("key"): mark_safe("value")},
        gettext_lazy("Shipped"),
        [Size.SMALL, Size.SMALL.label, Rank.FIRST],
        {2: "a", None: "b", True: "c", 1.5: "d"},
        Decimal("1.50"),
        uuid.UUID(int=7),
        (1, uuid.UUID(int=8)),
        date(2026, 1, 2),
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        datetime(2026, 1, 2, 3, 4, 5, 678901),
        datetime(2026, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))),
        time(3, 4, 5, 678901),
        timedelta(days=1, seconds=2, microseconds=3),
        {"nested": [{"at": date(2026, 1, 2)}]},
        2**70,
        [1.0, 1e300, True, None, "line\nbreak \u2028"],
    ],
    ids=repr,
)
def test_value_is_what_django_s_encoder_makes_of_it(value: Any) -> None:
    """Its encoder is the reference, but for the spaces and the escapes."""
    assert json.loads(encode_json(value)) == json.loads(json.dumps(value, cls=DjangoJSONEncoder))
    assert b"\n" not in encode_json(value)


def test_dataclass_is_an_object() -> None:
    """With what is in it."""

    @dataclasses.dataclass
    class Order:
        pk: uuid.UUID
        total: Decimal
        lines: list[Any]

    assert encode_json(Order(uuid.UUID(int=1), Decimal("2.50"), [mark_safe("<b>")])) == (
        b'{"pk":"00000000-0000-0000-0000-000000000001","total":"2.50","lines":["<b>"]}'
    )


def test_what_0_1_took_is_still_taken() -> None:
    """Enumerations, sets, bytes, structs and ready JSON inside other data."""

    class Colour(Enum):
        RED = "red"

    class Point(msgspec.Struct):
        x: int

    value = [Colour.RED, {1}, b"bytes", Point(1), msgspec.Raw(b'{"a": 1}')]

    assert encode_json(value) == b'["red",[1],"Ynl0ZXM=",{"x":1},{"a":1}]'


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [-float("inf")], {"a": float("nan")}, Decimal("NaN"), Decimal("Infinity")]
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    """It does not become null on the way."""
    with pytest.raises(ValueError, match="data is not JSON"):
        encode_json(value)


@pytest.mark.parametrize(
    "value",
    [object(), {(1, 2): 3}, time(1, tzinfo=UTC), "\ud800", Size],
    ids=["object", "key", "time", "half", "class"],
)
def test_what_is_not_json_is_refused(value: Any) -> None:
    """With one type of error."""
    with pytest.raises(ValueError, match="data is not JSON"):
        encode_json(value)
