"""404 and 500: JSON where programs ask, a page where people do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

_FOR_PROGRAMS = ("/api/", "/server/")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what no route and no row matched."""
    return _answer(request, 404, "Not found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer after a bug of ours; its traceback is in the log, under the answer's X-Request-ID."""
    return _answer(request, 500, "Something went wrong", "It has been logged. Please try again.")


def _answer(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith(_FOR_PROGRAMS):
        return JsonResponse({"detail": title}, status=status)
    return render(request, "error.html", {"title": title, "text": text}, status=status)
