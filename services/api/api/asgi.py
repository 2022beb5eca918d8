"""One process for everything: ``TANDEM_HTTP_APP=api.asgi:application python -m tandem_realtime``."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api.settings")

application = get_asgi_application()
