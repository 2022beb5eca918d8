"""What the admin's permissions hang on. Connections live in the realtime processes; there is no table."""

from __future__ import annotations

from django.db import models


class Connection(models.Model):
    """An open connection. "View" shows the page and taps; "delete" disconnects."""

    class Meta:
        managed = False
        default_permissions = ("view", "delete")
        verbose_name = "live connection"
