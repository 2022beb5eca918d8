"""What was revoked, and how often."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tandem", "0001_outbox")]
    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user", models.CharField(max_length=255, unique=True)),
                ("number", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Revocation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=640, unique=True)),
                ("generation", models.BigIntegerField(default=0)),
                ("seconds", models.PositiveIntegerField(help_text="how long it is kept")),
                ("ended_at", models.DateTimeField(help_text="by the database's clock")),
                ("is_told", models.BooleanField(db_index=True, default=False)),
            ],
        ),
    ]
