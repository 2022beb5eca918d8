"""The outbox in Django's admin: what waits and what is set aside, to look at, to retry and to drop."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from tandem.models import OutboxEntry
from tandem.outbox.aside import drop, retry, set_aside


class OutboxEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's is no generic at run time
    """Rows are looked at and not changed; only those that are set aside may be retried or dropped."""

    list_display = ("id", "channel", "state", "reason", "created_at", "set_aside_at")
    list_filter = ("state",)
    search_fields = ("channel", "reason")
    ordering = ("id",)
    actions = ("retry", "drop")
    readonly_fields = (
        "channel",
        "data",
        "tags",
        "request_id",
        "state",
        "reason",
        "set_aside_at",
        "created_at",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes a row by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a row that waits: it would be a hole that nobody is told of."""
        return False

    @admin.action(description="Retry what is set aside, after all others", permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[OutboxEntry]) -> None:
        """Put the chosen rows that are set aside behind all others."""
        self._tell(request, retry(self._chosen(queryset)), "to be retried")

    @admin.action(description="Drop what is set aside", permissions=["change"])
    def drop(self, request: HttpRequest, queryset: QuerySet[OutboxEntry]) -> None:
        """Delete the chosen rows that are set aside."""
        self._tell(request, drop(self._chosen(queryset)), "dropped")

    def get_queryset(self, request: HttpRequest) -> QuerySet[OutboxEntry]:
        """Look at the database that rows are written to."""
        return OutboxEntry.objects.using(set_aside().db).all()

    def _chosen(self, queryset: QuerySet[OutboxEntry]) -> QuerySet[OutboxEntry]:
        return set_aside(list(queryset.values_list("pk", flat=True)))

    def _tell(self, request: HttpRequest, count: int, what: str) -> None:
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, f"{count} {what}" if count else "None of these is set aside.", level)
