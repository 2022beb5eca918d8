"""``/healthz`` and ``/readyz``, answered before Django's host check."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

log = structlog.get_logger("tandem.probes")

GetResponse = Callable[[HttpRequest], HttpResponse]


class ProbesMiddleware:
    """
    Answer the probes; pass everything else on. Stands first: the kubelet sends the pod's IP as Host.

    ``/healthz``: the process answers. ``/readyz``: the database answers, and its schema is not behind the code; 503
    names what is missing. Redis is not asked: without it, reads go on and writes wait in the outbox, and every pod that
    left its Service for it would leave at once.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._readiness = Readiness()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match request.path:
            case "/healthz":
                return JsonResponse({"status": "ok"})
            case "/readyz":
                return self._readiness.answer()
        return self.get_response(request)


class Readiness:
    """Whether this process can do its work."""

    def __init__(self) -> None:
        self._has_schema = False

    def answer(self) -> HttpResponse:
        """Ask the database; 200 when it answers and has every table that the code wants, else 503."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            # Once it was there, it stays: what comes later makes the schema newer than the code, and that is fine.
            self._has_schema = self._has_schema or not is_schema_behind()
        except DatabaseError as error:
            log.warning("database unavailable", error=type(error).__name__)
            return JsonResponse({"database": "unavailable"}, status=503)
        schema = "ok" if self._has_schema else "behind"
        return JsonResponse({"database": "ok", "schema": schema}, status=200 if self._has_schema else 503)


def is_schema_behind() -> bool:
    """Tell whether a migration of this code has not been applied. Migrations of newer code do not count."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
