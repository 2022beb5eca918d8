"""Rows that are set aside, a key of each row's own, and the database's clock."""

import django.db.models.functions
from django.db import migrations, models

import tandem.models


class Migration(migrations.Migration):
    dependencies = [("tandem", "0002_revocations")]
    operations = [
        migrations.AddField(
            model_name="outboxentry",
            name="key",
            field=models.CharField(db_default="", default=tandem.models.make_key, editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name="outboxentry",
            name="state",
            field=models.CharField(
                choices=[("waiting", "Waiting"), ("set_aside", "set aside")],
                db_default="waiting",
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="outboxentry",
            name="reason",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="outboxentry",
            name="set_aside_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="outboxentry",
            name="created_at",
            field=models.DateTimeField(db_default=django.db.models.functions.Now(), db_index=True),
        ),
    ]
