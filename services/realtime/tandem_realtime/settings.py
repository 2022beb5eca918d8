"""The Django settings of a realtime service without the project's own: the ``TANDEM_`` variables say the rest."""

from __future__ import annotations

import os
import secrets

from django.core.exceptions import ImproperlyConfigured

from tandem.logs import logging_config

DEBUG = os.environ.get("TANDEM_DEBUG", "0") == "1"
# Signs nothing. Where it is the project's own, the tokens' keys follow from it, as they do there.
SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY") or (
    "development-only-" + "0" * 40 if DEBUG else secrets.token_urlsafe(48)
)
if not DEBUG and not {"DJANGO_SECRET_KEY", "TANDEM_TOKEN_KEYS", "TANDEM_TOKEN_PUBLIC_KEYS"} & {*os.environ}:
    raise ImproperlyConfigured("TANDEM_TOKEN_KEYS must be set (or TANDEM_DEBUG=1 for development)")

INSTALLED_APPS: list[str] = []
DATABASES: dict[str, object] = {}
USE_TZ = True
CHANNEL_LAYERS = {"default": {"BACKEND": "tandem.layer.ChannelLayer"}}
LOGGING = logging_config(os.environ.get("TANDEM_LOG_LEVEL", "INFO"))
