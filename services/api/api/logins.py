"""
The admin's login, for who guesses: after a few wrong passwords it waits.

Counted in Django's cache, which here is each gunicorn worker's own: so it is so many times the workers. A project with
more to lose has django-axes, which keeps what it counts in the database.
"""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import admin
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

WAIT_SECONDS = 300
MOST_OF_NAME_AND_ADDRESS = 5
MOST_OF_ADDRESS = 50
MOST_OF_NAME = 100


def login(request: HttpRequest) -> HttpResponse:
    """Answer the admin's login as ever; after too many wrong passwords 429, whatever the next one is."""
    if request.method != "POST":
        return admin.site.login(request)
    counted = _counted(request)
    if any(cache.get(key, 0) >= most for key, most in counted.items()):
        text = f"Too many attempts: come back in {WAIT_SECONDS // 60} minutes.\n"
        headers = {"Retry-After": str(WAIT_SECONDS)}
        return HttpResponse(text, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers, content_type="text/plain")
    response = admin.site.login(request)
    if response.status_code == HTTPStatus.OK:  # the form again
        for key in counted:
            cache.add(key, 0, WAIT_SECONDS)
            cache.incr(key)
    return response


def _counted(request: HttpRequest) -> dict[str, int]:
    """Return what an attempt counts for, each with the most that there may be of it."""
    name = request.POST.get("username", "").strip().lower()
    address = client_address(request)
    return {
        _key("both", name, address): MOST_OF_NAME_AND_ADDRESS,
        _key("address", address): MOST_OF_ADDRESS,
        _key("name", name): MOST_OF_NAME,
    }


def client_address(request: HttpRequest) -> str:
    """Return the address that the edge was asked from: of what is forwarded only the last is not the client's word."""
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded or request.META.get("REMOTE_ADDR", "")


def _key(*parts: str) -> str:
    return "api.logins:" + salted_hmac("api.logins", "\0".join(parts)).hexdigest()
