"""The inbox as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class InboxConfig(AppConfig):
    """Holds the inbox's tables; finds the kinds that every app declares in its ``notifications.py``."""

    name = "tandem.inbox"
    label = "tandem_inbox"
    verbose_name = "Inbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Import what the project says about its notifications."""
        autodiscover_modules("notifications")
