"""How every view of the inbox answers: JSON, for the session's user alone, never kept by a cache."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from tandem.inbox.errors import InvalidNotification
from tandem.inbox.reading.marking import NotHis

View = Callable[..., HttpResponse]


class Malformed(Exception):
    """A request is not as it must be; *field* is what is at fault."""

    def __init__(self, why: str, field: str = "") -> None:
        super().__init__(why)
        self.field = field


def answering(*methods: str) -> Callable[[Callable[..., Any]], View]:
    """Turn a function that returns a dict into a view for *methods* that answers with it, or with why not."""

    def decorate(function: Callable[..., Any]) -> View:
        @wraps(function)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in methods:
                return refusal(405, "method not allowed", Allow=", ".join(methods))
            if not request.user.is_authenticated:
                return refusal(401, "unauthorized")
            try:
                return JsonResponse(function(request, *args, **kwargs))
            except NotHis:
                return refusal(404, "not found")
            except Malformed as error:
                return refusal(400, f"bad request: {error}", field=error.field)
            except InvalidNotification as error:
                return refusal(400, f"bad request: {error}", field=error.field)

        return login_not_required(never_cache(csrf_protect(view)))

    return decorate


def body_of(request: HttpRequest, kind: type[Any]) -> Any:
    """Return the body of *request* as a *kind*. Raises `Malformed`."""
    try:
        return msgspec.json.decode(request.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error


def refusal(status: int, why: str, *, field: str = "", **headers: str) -> JsonResponse:
    """Return an answer that says *why* not."""
    return JsonResponse({"error": why, **({"field": field} if field else {})}, status=status, headers=headers)
