"""PostgreSQL notices the changes of a model: raw SQL, other programs, everything. Needs the extra ``pg``."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model

NAME = "tandem_changes"

# Table, key and old values; whom it concerns only the project's own code can say. The key of a row may change too.
_FUNCTION = """
    IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO tandem_rowchange ("table", "key", "old")
        VALUES (TG_TABLE_NAME, to_jsonb(OLD) -> %(text)s, to_jsonb(OLD));
    END IF;
    IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND OLD.%(name)s IS DISTINCT FROM NEW.%(name)s) THEN
        INSERT INTO tandem_rowchange ("table", "key", "old")
        VALUES (TG_TABLE_NAME, to_jsonb(NEW) -> %(text)s, NULL);
    END IF;
    RETURN NULL;
"""


def install(model: type[Model]) -> None:
    """
    Give *model* a trigger, which ``makemigrations`` puts into the migrations of its app.

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
    names = {"text": "'" + key.replace("'", "''") + "'", "name": '"' + key.replace('"', '""') + '"'}
    trigger = pgtrigger.Trigger(
        name=NAME,
        level=pgtrigger.Row,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=_FUNCTION % names,
    )
    pgtrigger.register(trigger)(model)
