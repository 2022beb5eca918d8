"""One log line for each request, and the request id that ties it to what else the request caused."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger("tandem.request")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestLogMiddleware:
    """
    Take the edge's X-Request-ID or make one, answer with it, and log method, path, status and duration.

    The query string is left out: other people's links put secrets there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        request_id = accept_request_id(request.headers.get("X-Request-ID", ""))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            log.info(
                "request",
                method=request.method,
                path=request.path[:256],
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )
        response.headers["X-Request-ID"] = request_id
        return response


def accept_request_id(offered: str) -> str:
    """Return *offered* when it is fit to be logged and passed on, else a new id."""
    return offered if _REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex


def current_request_id() -> str:
    """Return the id of the request that this thread answers; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
