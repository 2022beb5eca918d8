"""The outbox's table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="OutboxEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=255)),
                ("data", models.TextField(help_text="JSON")),
                ("tags", models.JSONField(default=dict)),
                ("request_id", models.CharField(default="", max_length=128)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "verbose_name_plural": "outbox entries",
                "indexes": [models.Index(fields=["channel", "id"], name="tandem_outbox_order")],
            },
        ),
    ]
