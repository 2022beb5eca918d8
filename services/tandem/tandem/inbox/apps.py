"""The inbox as a Django app."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from tandem.chores import chores


class InboxConfig(AppConfig):
    """Holds the inbox's tables; finds the kinds that every app declares in its ``notifications.py``."""

    name = "tandem.inbox"
    label = "tandem_inbox"
    verbose_name = "Inbox"
    default_auto_field = "django.db.models.BigAutoField"
    tandem_tags = "tandem.inbox.web.tags"

    def ready(self) -> None:
        """Import what the project says about its notifications; have the workers do what is ours."""
        autodiscover_modules("notifications")
        chores.extend(each for each in import_module("tandem.inbox.work").CHORES if each not in chores)
