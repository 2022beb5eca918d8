"""Whether the outbox, and publishing, is paused."""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("tandem", "0004_row_changes")]
    operations = [
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("since", models.DateTimeField(db_default=Now(), help_text="its own clock")),
            ],
        ),
    ]
