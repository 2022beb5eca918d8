"""The front page and what its forms post to."""

from __future__ import annotations

from django.urls import path

from api.front import views

urlpatterns = [
    path("", views.index, name="index"),
    path("favicon.ico", views.favicon),
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("press/", views.press, name="press"),
    path("order/", views.order, name="order"),
    path("ship/", views.ship, name="ship"),
    path("greet/", views.greet, name="greet"),
    path("missed/", views.missed, name="missed"),
    path("source/<path:path>", views.source, name="source"),
]
