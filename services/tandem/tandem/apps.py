"""Tandem as a Django app: the outbox's table and worker."""

from django.apps import AppConfig


class TandemConfig(AppConfig):
    """Holds the outbox's model."""

    name = "tandem"
    default_auto_field = "django.db.models.BigAutoField"
