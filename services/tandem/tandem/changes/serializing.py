"""What JSON subscribers get of a row: whatever the team already writes JSON with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

Serialize = Callable[[Any], Any]


def serializer_of(choice: Any) -> Serialize:
    """
    Return a function from a row to its data.

    *choice* is one already, or a serializer class of Django REST framework, or a schema of django-ninja or pydantic, or
    the dotted path of any of them (a model cannot import what imports it). Raises `TypeError` for anything else.
    """
    if isinstance(choice, str):
        return lambda row: serializer_of(import_string(choice))(row)
    if isinstance(choice, type):
        if hasattr(choice, "to_representation"):
            return lambda row: choice(row).data
        if hasattr(choice, "model_validate"):
            return lambda row: choice.model_validate(row, from_attributes=True).model_dump(mode="json")
    elif callable(choice):
        return choice  # type: ignore[no-any-return]  # callable is as much as can be known
    raise TypeError(f"data is a function of the row, a serializer class, a schema, or the path of one: not {choice!r}")
