"""Tandem as a Django app: the outbox's table and worker, and the wiring of traces."""

from django.apps import AppConfig

from tandem import conf, tracing


class TandemConfig(AppConfig):
    """Holds the outbox's model."""

    name = "tandem"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Trace the requests of this process if that is wanted."""
        if conf.settings().traces and not tracing.is_on():
            tracing.trace_requests()
