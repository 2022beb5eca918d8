"""The api service as a Django app: the templates and styles that its pages share, and the wiring of its metrics."""

from __future__ import annotations

from django.apps import AppConfig

from api.metrics import observe_publish
from tandem import publisher


class ApiConfig(AppConfig):
    """Watch the publisher from the start."""

    name = "api"

    def ready(self) -> None:
        """Count every publish of this process."""
        publisher.observers.append(observe_publish)
