"""What triggers write down of changed rows."""

from django.db import migrations, models

import tandem.models


class Migration(migrations.Migration):
    dependencies = [("tandem", "0003_outbox_states")]
    operations = [
        migrations.CreateModel(
            name="RowChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("table", models.CharField(max_length=63)),
                ("key", models.JSONField(decoder=tandem.models.ExactDecoder)),
                ("old", models.JSONField(decoder=tandem.models.ExactDecoder, null=True)),
            ],
        ),
    ]
