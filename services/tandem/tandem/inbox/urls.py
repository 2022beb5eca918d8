"""The inbox as JSON: ``path("inbox/", include("tandem.inbox.urls"))``."""

from __future__ import annotations

from django.urls import path

from tandem.inbox.web import openapi, preferences_form, views

app_name = "tandem_inbox"
urlpatterns = [
    path("", views.items, name="list"),
    path("counts/", views.counts, name="counts"),
    path("items/<str:name>/", views.item, name="item"),
    path("mark/", views.mark, name="mark"),
    path("preferences/", views.preferences, name="preferences"),
    path("preferences/form/", preferences_form.save, name="preferences_form"),
    path("openapi.json", openapi.page, name="openapi"),
]
