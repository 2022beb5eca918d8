"""400, 403, 404, 500 and 503: JSON where programs ask, a page where people do."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from tandem.request_log import current_request_id

SERVER_ERROR = 500
_FOR_PROGRAMS = ("/api/", "/server/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is no request of a page: a form with thousands of fields, or cut off in the middle."""
    return _answer(request, 400, "That was not understood", "Load the page again and retry.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what no route and no row matched."""
    return _answer(request, 404, "Not found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """
    Answer after a bug of ours; its traceback is in the log, under the answer's X-Request-ID.

    503 while the database is away: whoever asks again soon may be served.
    """
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)) and not connection.is_usable():
        answer = _answer(request, 503, "Back in a moment", "The database does not answer. Please try again.")
        answer["Retry-After"] = "3"
        return answer
    return _answer(request, 500, "Something went wrong", "It has been logged. Please try again.")


def forbidden(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token: a browser that keeps no cookies, or a page from before another login."""
    text = "This form was from before, or your browser keeps no cookies, which it needs. Load the page again and retry."
    if "application/json" in (request.headers.get("Accept"), request.content_type):  # a script of one of our pages
        return JsonResponse({"problem": text}, status=403)
    return _answer(request, 403, "That form is out of date", text)


def _answer(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    if request.path.startswith(_FOR_PROGRAMS):
        return JsonResponse({"detail": title}, status=status)
    context = {"title": title, "text": text, "request_id": current_request_id() if status >= SERVER_ERROR else ""}
    return render(request, "error.html", context, status=status)
