"""What JSON subscribers get of a row: by a function, a serializer class, a schema, or the path of one."""

from __future__ import annotations

from typing import Any

import pytest
from ninja import Schema

from tandem.changes.serializing import serializer_of


class Row:
    """A row of a model."""

    status = "paid"


def as_function(row: Row) -> dict[str, str]:
    """The team's own function."""
    return {"status": row.status}


class AsSerializer:
    """What Django REST framework's serializers are to a caller."""

    def __init__(self, row: Row) -> None:
        self.row = row

    def to_representation(self, row: Row) -> dict[str, str]:
        """Return what is in `data`."""
        return {"status": row.status}

    @property
    def data(self) -> dict[str, str]:
        """The row."""
        return self.to_representation(self.row)


class AsSchema(Schema):
    """django-ninja's own."""

    status: str


@pytest.mark.parametrize(
    "choice",
    [as_function, AsSerializer, AsSchema, f"{__name__}.as_function", f"{__name__}.AsSchema"],
    ids=["function", "serializer", "schema", "path of a function", "path of a schema"],
)
def test_row_becomes_data(choice: Any) -> None:
    """The same, whichever way."""
    assert serializer_of(choice)(Row()) == {"status": "paid"}


@pytest.mark.parametrize("choice", [7, dict, ["status"]])
def test_anything_else_is_refused(choice: Any) -> None:
    """Where it is declared."""
    with pytest.raises(TypeError, match="a function of the row, a serializer class, a schema, or the path of one"):
        serializer_of(choice)
