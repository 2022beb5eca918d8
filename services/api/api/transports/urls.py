"""The page, and what it needs to know of its own requests."""

from __future__ import annotations

from django.urls import path

from api.transports import views

urlpatterns = [
    path("transports/", views.transports, name="transports"),
    path("transports/head/", views.head, name="transports-head"),
    path("transports/processor/", views.processor, name="transports-processor"),
]
