"""The orders app."""

from __future__ import annotations

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Orders, the live list of them, and the notification that one has shipped."""

    name = "api.orders"
