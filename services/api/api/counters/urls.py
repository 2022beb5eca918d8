"""The pages of counters."""

from __future__ import annotations

from django.urls import path

from api.counters import views

urlpatterns = [
    path("counter/", views.counter, name="counter"),
    path("counter/<slug:name>/", views.counter, name="counter"),
    path("increment/", views.increment, name="increment"),
    path("increment/<slug:name>/", views.increment, name="increment"),
]
