"""Rows made of other rows in the database: one statement for any number, and nothing of it in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.db.models import Expression, F, Model, QuerySet, Value
from django.db.models.constants import OnConflict


def insert_from(
    source: QuerySet[Any], model: type[Model], values: Mapping[str, Any], *, ignores_conflicts: bool = False
) -> None:
    """
    Write a row of *model* for each of *source*, with one INSERT ... SELECT in the database of *source*.

    *values* has every field but the primary key: what is no expression (`F` of *source*, say) is the same in each row.
    """
    fields: list[Any] = [model._meta.get_field(name) for name in values]
    made = {
        f"_{number}": value if isinstance(value, Expression | F) else Value(value, output_field=field)
        for number, (field, value) in enumerate(zip(fields, values.values(), strict=True))
    }
    connection = connections[source.db]
    rows = source.order_by().annotate(**made).values_list(*made)
    selected, parameters = rows.query.get_compiler(connection=connection).as_sql()
    on_conflict = OnConflict.IGNORE if ignores_conflicts else None
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"{connection.ops.insert_statement(on_conflict=on_conflict)} {quote(model._meta.db_table)} ({columns})"
            f" {selected} {connection.ops.on_conflict_suffix_sql([], on_conflict, [], [])}",
            parameters,
        )
