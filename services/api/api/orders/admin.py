"""Orders in Django's admin: what is saved here is on every page at once, too."""

from __future__ import annotations

from django.contrib import admin

from api.orders.models import Order


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    """Edit orders."""

    list_display = ("__str__", "owner", "has_shipped", "placed_at")
    list_filter = ("has_shipped",)
