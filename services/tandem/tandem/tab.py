"""
To others: what a page caused, that page need not hear.

Requests of a page name its tab in a header; what is published while one is answered carries a mark of that tab as its
tag ``tab``, and tandem.js leaves it out in that tab alone. Everybody sees the mark, nobody can tell the tab from it:
else a subscriber could make changes that another's page does not hear of.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import sync_and_async_middleware

from tandem.namespaces import INTERNAL, namespace_name

HEADER = "X-Tandem-Tab"
MAX_LENGTH = 64
_IN_META = "HTTP_X_TANDEM_TAB"

_mark: ContextVar[str] = ContextVar("tandem.tab", default="")


@sync_and_async_middleware
def to_others(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Mark what is published during a request with the tab that sent it: a middleware."""
    if iscoroutinefunction(get_response):
        respond = cast(Callable[[HttpRequest], Awaitable[HttpResponse]], get_response)

        async def in_async(request: HttpRequest) -> HttpResponse:
            with marking(mark_of(request)):
                return await respond(request)

        return in_async

    def in_sync(request: HttpRequest) -> HttpResponse:
        with marking(mark_of(request)):
            response: HttpResponse = get_response(request)
            return response

    return in_sync


def mark_of(request: HttpRequest) -> str:
    """Return the mark of the tab that *request* came from; empty where it names none."""
    tab = request.META.get(_IN_META, "")  # not `headers`, which would be made for every request of a project
    if not tab or len(tab) > MAX_LENGTH:
        return ""
    return ",".join(map(str, struct.unpack("<3I", hashlib.sha256(tab.encode()).digest()[:12])))


@contextmanager
def marking(mark: str) -> Iterator[None]:
    """Mark what is published within: for a task, with what `mark_of` said of the request that began it."""
    token = _mark.set(mark)
    try:
        yield
    finally:
        _mark.reset(token)


def with_mark(channel: str, tags: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Return *tags* with the mark of the current request. One of their own stays: an empty ``tab`` is nobody's."""
    mark = _mark.get()
    if not mark or namespace_name(channel) in INTERNAL:
        return tags
    return {"tab": mark, **(tags or {})}
