"""What a page tells tandem.js: where to connect, where tokens come from, and whose page it is."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.crypto import salted_hmac

from tandem.auth.logins import login_of
from tandem.worker_script import script

ENDPOINT = "/ws"


def configuration(request: HttpRequest, endpoint: str = "") -> dict[str, Any]:
    """
    Return the options of tandem.js's ``connect`` for the page that answers *request*.

    Unless *endpoint* says where realtime is, it is `ENDPOINT`, below the path under which the project is mounted.

    Raises `ImproperlyConfigured` where a project lacks the package's routes.
    """
    login = login_name(request)
    return {
        "endpoint": endpoint or get_script_prefix().rstrip("/") + ENDPOINT,
        "login": login,
        "token": _address("token", login) if login else "",
        "subscription": _address("subscription", login),
        "ticket": _address("ticket", login),
        "worker": f"{_address('worker')}?v={script().version}",
        "csrf": csrf(request),
    }


def login_name(request: HttpRequest) -> str:
    """
    Return a name for the login that *request* belongs to, which tells nothing of it; empty for who is anonymous.

    Tabs with the same one share a connection. A page whose login is over gets no token of the next one.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ""
    return salted_hmac("tandem.page", f"{user.pk}:{login_of(request)}").hexdigest()[:16]


def csrf(request: HttpRequest) -> dict[str, str]:
    """Say where the CSRF token is; the token itself only where scripts cannot read the cookie."""
    token = get_token(request)  # also makes Django send the cookie
    is_hidden = settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY
    header = settings.CSRF_HEADER_NAME.removeprefix("HTTP_").replace("_", "-")
    return {"cookie": settings.CSRF_COOKIE_NAME, "header": header, "token": token if is_hidden else ""}


def _address(name: str, login: str | None = None) -> str:
    try:
        address = reverse(f"tandem:{name}")
    except NoReverseMatch as error:
        raise ImproperlyConfigured(
            '{% tandem %} needs the package\'s routes: add path("realtime/", include("tandem.urls")) to the URLconf'
        ) from error
    return address if login is None else f"{address}?login={login}"
