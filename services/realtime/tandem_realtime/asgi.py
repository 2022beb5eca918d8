"""The ASGI application: sockets under /ws, and whatever else TANDEM_HTTP_APP answers."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import django

if http_app := os.environ.get("TANDEM_HTTP_APP"):
    import_module(http_app.partition(":")[0])  # names its settings, as every project's ASGI application does
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tandem_realtime.settings")
django.setup()

from django.utils.module_loading import import_string  # noqa: E402  after Django is set up

from tandem import conf  # noqa: E402
from tandem_realtime.routing import application_beside  # noqa: E402


async def not_found(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer 404: this service has no other pages."""
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Not found\n"})


def _dotted(reference: str) -> str:
    return reference.replace(":", ".")


other_paths: Any = import_string(_dotted(conf.settings().http_app)) if conf.settings().http_app else not_found

application = application_beside(other_paths)
