"""A fresh installation has a few orders to ship."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def place_first_orders(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    orders = apps.get_model("orders", "Order").objects.using(schema_editor.connection.alias)
    if not orders.exists():
        orders.create(what="A bell", has_shipped=True)
        orders.create(what="Two saddles")
        orders.create(what="A longer chain")


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [migrations.RunPython(place_first_orders, migrations.RunPython.noop)]
