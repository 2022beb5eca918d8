"""PostgreSQL notices the changes of a model: raw SQL, other programs, everything. Needs the extra ``pg``."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

NAME = "tandem_changes"
NAME_OF_TRUNCATE = "tandem_truncates"

# Table, key and old values; whom it concerns only the project's own code can say. The key of a row may change too. The
# table is the model's, since a partition has a name of its own.
_ROW_CHANGED = """
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO tandem_rowchange ("table", "key", "old")
        VALUES (%(table)s, to_jsonb(OLD) -> %(key)s, to_jsonb(OLD));
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND OLD.%(column)s IS DISTINCT FROM NEW.%(column)s) THEN
        INSERT INTO tandem_rowchange ("table", "key", "old")
        VALUES (%(table)s, to_jsonb(NEW) -> %(key)s, NULL);
    END IF;
    RETURN NULL;
"""

# Before it: the rows are still there to be written down.
_TRUNCATED = """
    EXECUTE format(
        'INSERT INTO tandem_rowchange ("table", "key", "old")'
        ' SELECT $1, to_jsonb(a_row) -> $2, to_jsonb(a_row) FROM %%I.%%I AS a_row',
        TG_TABLE_SCHEMA, TG_TABLE_NAME
    ) USING %(table)s, %(key)s;
    RETURN NULL;
"""


def install(model: type[Model]) -> None:
    """
    Give *model* its triggers, which ``makemigrations`` puts into the migrations of its app.

    Raises `ImproperlyConfigured` where django-pgtrigger is not installed, `TypeError` for a model of several tables.
    """
    try:
        import pgtrigger
    except ImportError as error:
        how = "pip install 'django-tandem[pg]', and \"pgtrigger\" in INSTALLED_APPS"
        raise ImproperlyConfigured(f"{model._meta.label}: triggers=True needs {how}") from error
    if model._meta.parents:
        raise TypeError(f"{model._meta.label} has another table for what it inherits: put triggers=True on that model")
    key = str(model._meta.pk.column)
    names = {"table": _text(model._meta.db_table), "key": _text(key), "column": _quoted(key)}
    pgtrigger.register(
        pgtrigger.Trigger(
            name=NAME,
            level=pgtrigger.Row,
            when=pgtrigger.After,
            operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
            func=_ROW_CHANGED % names,
        ),
        pgtrigger.Trigger(
            name=NAME_OF_TRUNCATE,
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=_TRUNCATED % names,
        ),
    )(model)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
