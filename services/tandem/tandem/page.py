"""What a page tells tandem.js: where to connect, where tokens come from, and whose page it is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import salted_hmac

from tandem.worker_script import script

ENDPOINT = "/ws"


def configuration(request: HttpRequest, endpoint: str = ENDPOINT) -> dict[str, Any]:
    """
    Return the options of tandem.js's ``connect`` for the page that answers *request*.

    Raises `ImproperlyConfigured` where a project lacks the package's routes.
    """
    is_authenticated = hasattr(request, "user") and request.user.is_authenticated
    return {
        "endpoint": endpoint,
        "login": login_of(request) if is_authenticated else "",
        "token": _address_if_any("token") if is_authenticated else "",
        "subscription": _address_if_any("subscription"),
        "ticket": _address_if_any("ticket"),
        "worker": f"{_address('worker')}?v={script().version}",
        "csrf": csrf(request),
    }


def login_of(request: HttpRequest) -> str:
    """
    Return a name for the login that *request* belongs to, which tells nothing of it.

    Tabs with the same one share a connection.
    """
    proof = request.session.get(HASH_SESSION_KEY, "") if hasattr(request, "session") else ""
    return salted_hmac("tandem.page", f"{request.user.pk}:{proof}").hexdigest()[:16]


def csrf(request: HttpRequest) -> dict[str, str]:
    """Say where the CSRF token is; the token itself only where scripts cannot read the cookie."""
    token = get_token(request)  # also makes Django send the cookie
    is_hidden = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY
    header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
    return {"cookie": settings.CSRF_COOKIE_NAME, "header": header, "token": token if is_hidden else ""}


def _address(name: str) -> str:
    try:
        return reverse(f"tandem:{name}")
    except NoReverseMatch as error:
        raise ImproperlyConfigured(
            '{% tandem %} needs the package\'s routes: add path("realtime/", include("tandem.urls")) to the URLconf'
        ) from error


def _address_if_any(name: str) -> str:
    try:
        return reverse(f"tandem:{name}")
    except NoReverseMatch:
        return ""
