"""The page; the inbox's own routes are `tandem.inbox.urls`."""

from __future__ import annotations

from django.urls import path

from api.inbox import views

urlpatterns = [path("notifications/", views.notifications, name="notifications")]
