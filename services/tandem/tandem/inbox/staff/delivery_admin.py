"""The delivery log: what went elsewhere than into the inbox, and what became of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class DeliveryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's is no generic at run time
    """A log is looked at."""

    list_display = ("id", "medium", "mailbox", "message", "state", "attempts", "due_at", "settled_at", "reason")
    list_filter = ("state", "medium")
    list_select_related = ("mailbox", "message")
    ordering = ("-id",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes a row by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor deletes one: `tandem prune` does."""
        return False
