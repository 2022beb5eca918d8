"""The routes of a project that takes everything the library brings."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tandem import publish


@login_not_required
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Some page of the project; a POST publishes."""
    if request.method == "POST":
        publish("public:page", {"name": name})
    return HttpResponse(name, status=404 if name.startswith("visitor") else 200)


urlpatterns = [
    path("", include("tests.team_urls")),
    path("admin/", admin.site.urls),
    path("server/", include("tandem.server_api.urls")),
    path("inbox/", include("tandem.inbox.urls")),
    path("pages/<name>/", page),
]
