"""What a page asks of the package: ``path("realtime/", include("tandem.urls"))``."""

from __future__ import annotations

from django.apps import apps
from django.urls import path

from tandem.auth import views
from tandem.worker_script import worker_script

app_name = "tandem"
urlpatterns = [
    path("token/", views.token, name="token"),
    path("subscription/", views.subscription, name="subscription"),
    path("ticket/", views.ticket, name="ticket"),
    path("worker.js", worker_script, name="worker"),
]
if apps.is_installed("tandem.live"):
    from tandem.live.views import fragment

    urlpatterns.append(path("fragment/", fragment, name="fragment"))
