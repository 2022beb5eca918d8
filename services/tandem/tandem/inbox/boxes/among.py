"""A condition for many keys at once: Django's ``__in`` has a placeholder for each, which is most of a batch's cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BooleanField, F, Func


class Among(Func):
    """Whether the field *name* is one of *keys*: ``filter(Among("mailbox", numbers))``. PostgreSQL gets one array."""

    def __init__(self, name: str | F, keys: Iterable[Any]) -> None:
        super().__init__(F(name) if isinstance(name, str) else name, output_field=BooleanField())
        self.keys = tuple(keys)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]  # no options
        """Return what every database understands."""
        column, parameters, keys = self._compiled(compiler, connection)
        return f"{column} IN ({', '.join(['%s'] * len(keys))})", [*parameters, *keys]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Return the same with one parameter."""
        column, parameters, keys = self._compiled(compiler, connection)
        return f"{column} = ANY(%s)", [*parameters, keys]

    def _compiled(self, compiler: Any, connection: Any) -> tuple[str, list[Any], list[Any]]:
        if not self.keys:
            raise EmptyResultSet
        [source] = self.source_expressions
        column, parameters = compiler.compile(source)
        prepare = source.output_field.get_db_prep_value
        return column, [*parameters], [prepare(key, connection, prepared=False) for key in self.keys]
