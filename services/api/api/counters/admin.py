"""Counters in Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from api.counters import actions
from api.counters.models import Counter


@admin.register(Counter)
class CounterAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    """Edit counters; a change is published like any other."""

    list_display = ("name", "value", "version", "changed_at")
    search_fields = ("name",)
    fields = ("name", "value", "version", "changed_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Counter | None = None) -> tuple[str, ...]:
        """Fix the name of an existing counter: its channel is named after it."""
        return ("version", "changed_at") if obj is None else ("name", "version", "changed_at")

    def has_delete_permission(self, request: HttpRequest, obj: Counter | None = None) -> bool:
        """Refuse: a counter made again under the same name would start at version 1, and open pages would ignore it."""
        return False

    def save_model(self, request: HttpRequest, obj: Counter, form: ModelForm[Counter], change: bool) -> None:
        """Hand the change to the actions, which also publish it."""
        if not change:
            obj.pk = actions.create(obj.name, obj.value).pk
        elif "value" in form.changed_data:
            actions.set_value(obj.name, obj.value)
