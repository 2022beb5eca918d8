"""The live page: a model's place in the admin, with pages of its own."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from tandem.errors import RedisReplyError, RedisUnavailable, TandemError
from tandem.monitor import actions
from tandem.monitor.models import Connection


@admin.register(Connection)
class ConnectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no argument at run time
    """Show, tap and disconnect. Nothing is asked of the realtime service while no page is open."""

    def get_urls(self) -> list[URLPattern]:
        """Put our pages in the place of the model's."""
        pages = {"": self.page, "census/": self.census, "tap/": self.tap, "disconnect/": self.disconnect}
        names = {"": "tandem_monitor_connection_changelist"}
        return [
            path(
                route,
                self.admin_site.admin_view(view),
                name=names.get(route, f"tandem_monitor_connection_{route[:-1]}"),
            )
            for route, view in pages.items()
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: browsers open connections, the admin does not."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """Show the frame; its script asks for the rest."""
        self._check(request, may=self.has_view_permission(request), method="GET")
        context = {
            **self.admin_site.each_context(request),
            "title": "Live connections",
            "opts": self.model._meta,
            "may_disconnect": self.has_delete_permission(request),
        }
        return TemplateResponse(request, "admin/tandem_monitor/connection/page.html", context)

    def census(self, request: HttpRequest) -> HttpResponse:
        """Answer who is connected, over all processes."""
        self._check(request, may=self.has_view_permission(request), method="GET")
        return _answer(lambda: actions.overview(request.GET.get("search", "")))

    def tap(self, request: HttpRequest) -> HttpResponse:
        """Answer with what the browser needs to follow a channel or a user."""
        self._check(request, may=self.has_view_permission(request), method="POST")
        user = request.POST.get("user")
        channel = request.POST.get("channel", "")
        return _answer(
            lambda: msgspec.to_builtins(actions.tap(channel=channel, user=user, by=request.user.get_username()))
        )

    def disconnect(self, request: HttpRequest) -> HttpResponse:
        """End the connections of a user, or one connection."""
        self._check(request, may=self.has_delete_permission(request), method="POST")
        whom = {name: request.POST.get(name, "") for name in ("user", "client")}
        return _answer(lambda: actions.disconnect(**whom, by=request.user.get_username()))

    def _check(self, request: HttpRequest, *, may: bool, method: str) -> None:
        if not may or request.method != method:
            raise PermissionDenied


def _answer(work: Any) -> HttpResponse:
    """Do *work* and answer with its result, or with a sentence that says why there is none."""
    try:
        response = JsonResponse(work() or {})
    except (RedisUnavailable, RedisReplyError) as error:
        response = JsonResponse({"problem": str(error)}, status=503)
    except (TandemError, ValueError) as error:
        response = JsonResponse({"problem": str(error)}, status=400)
    response["Cache-Control"] = "no-store"
    return response
