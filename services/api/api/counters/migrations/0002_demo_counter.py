"""A fresh installation has one counter: demo, at 0."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def create_demo_counter(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    counters = apps.get_model("counters", "Counter").objects.using(schema_editor.connection.alias)
    counters.get_or_create(name="demo")


class Migration(migrations.Migration):
    dependencies = [("counters", "0001_initial")]

    operations = [migrations.RunPython(create_demo_counter, migrations.RunPython.noop)]
