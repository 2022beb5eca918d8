"""Every route of the api service, but for the probes (`tandem.probes`) and ``/metrics`` (another port)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from api.logins import login
from api.rest import api

admin.site.site_header = admin.site.site_title = "Tandem"
admin.site.login_template = "login.html"

urlpatterns = [
    path("", include("api.front.urls")),
    path("", include("api.counters.urls")),
    path("", include("api.transports.urls")),
    path("", include("api.inbox.urls")),
    path("api/", api.urls),
    path("realtime/", include("tandem.urls")),
    path("inbox/", include("tandem.inbox.urls")),
    path("server/", include("tandem.server_api.urls")),
    path("admin/login/", login),
    path("admin/", admin.site.urls),
]

handler400 = "api.errors.bad_request"
handler404 = "api.errors.not_found"
handler500 = "api.errors.server_error"
