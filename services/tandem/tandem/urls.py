"""What a page asks of the package: ``path("realtime/", include("tandem.urls"))``."""

from __future__ import annotations

from django.urls import path

from tandem.worker_script import worker_script

app_name = "tandem"
urlpatterns = [
    path("worker.js", worker_script, name="worker"),
]
