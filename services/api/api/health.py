"""``/healthz`` and ``/readyz``, answered before Django's host check."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from tandem import RedisUnavailable
from tandem.shards import shards

log = structlog.get_logger("api.health")

GetResponse = Callable[[HttpRequest], HttpResponse]


class HealthMiddleware:
    """
    Answer the probes; pass everything else on.

    ``/healthz``: the process answers. ``/readyz``: it can do its work, which takes the database and Redis; 503 names
    what is missing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match request.path:
            case "/healthz":
                return JsonResponse({"status": "ok"})
            case "/readyz":
                return readiness()
        return self.get_response(request)


def readiness() -> HttpResponse:
    """Ask every dependency; 200 when all of them answer, else 503."""
    checks = {"database": _is_database_up(), "redis": _is_redis_up()}
    answer = {name: "ok" if is_up else "unavailable" for name, is_up in checks.items()}
    return JsonResponse(answer, status=200 if all(checks.values()) else 503)


def _is_database_up() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("database unavailable", error=type(error).__name__)
        return False
    return True


def _is_redis_up() -> bool:
    try:
        for shard in range(len(shards().clients)):
            shards().commands(shard, [("PING",)])
    except RedisUnavailable as error:
        log.warning("redis unavailable", error=str(error))
        return False
    return True
