"""The server API, wherever a project includes it: ``path("server/", include("tandem.server_api.urls"))``."""

from __future__ import annotations

from django.urls import path

from tandem.server_api.views import server_api

app_name = "tandem_server_api"
urlpatterns = [path("<method>", server_api, name="method")]
