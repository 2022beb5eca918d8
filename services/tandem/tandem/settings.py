"""The settings that api and realtime share, read from the environment by each service's ``settings.py``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tandem.namespaces import Namespaces
from tandem.tokens import public_keys

DEFAULT_NAMESPACES: dict[str, dict[str, Any]] = {
    "public": {
        "history_size": 300,
        "history_ttl": 3600,
        "recovery": True,
        "subscribe": "anyone",
        "read_history": "subscribers",
    },
    "notifications": {"history_size": 100, "history_ttl": 86_400, "recovery": True, "personal": True},
}

_DEVELOPMENT = {
    "TANDEM_REDIS_URLS": "redis://127.0.0.1:6379/0",
    "TANDEM_TOKEN_KEYS": "for-development-only-never-in-production",
}


def from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """
    Return the TANDEM_* settings and CHANNEL_LAYERS that *environ* asks for.

    Raises `ImproperlyConfigured`, naming the variable, for one that is malformed, or missing outside development
    (TANDEM_DEBUG=1).
    """
    debug = environ.get("TANDEM_DEBUG", "0") == "1"
    urls = _items(_required(environ, "TANDEM_REDIS_URLS", debug))
    pems = environ.get("TANDEM_TOKEN_PUBLIC_KEYS", "")
    keys = environ.get("TANDEM_TOKEN_KEYS", "") if pems else _required(environ, "TANDEM_TOKEN_KEYS", debug)
    return {
        "TANDEM_DEBUG": debug,
        "TANDEM_REDIS_URLS": urls,
        "TANDEM_NAMESPACES": _namespaces(environ.get("TANDEM_NAMESPACES", "")),
        "TANDEM_TOKEN_KEYS": _items(keys),
        "TANDEM_TOKEN_PUBLIC_KEYS": _pem_blocks(pems),
        "TANDEM_TRACES": environ.get("TANDEM_TRACES", "0") == "1",
        "TANDEM_ALLOWED_ORIGINS": _items(environ.get("TANDEM_ALLOWED_ORIGINS", "")),
        "CHANNEL_LAYERS": {"default": {"BACKEND": "tandem.layer.ChannelLayer", "CONFIG": {"hosts": urls}}},
    }


def _required(environ: Mapping[str, str], name: str, debug: bool) -> str:
    value = environ.get(name) or (_DEVELOPMENT[name] if debug else "")
    if not value:
        raise ImproperlyConfigured(f"{name} must be set (or TANDEM_DEBUG=1 for development)")
    return value


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _namespaces(text: str) -> dict[str, Any]:
    if not text:
        return DEFAULT_NAMESPACES
    try:
        declared = json.loads(text)
        Namespaces(declared)
    except (ValueError, AttributeError) as error:
        raise ImproperlyConfigured(f"TANDEM_NAMESPACES: {error}") from error
    return dict(declared)


def _pem_blocks(text: str) -> list[str]:
    end = "-----END PUBLIC KEY-----"
    pems = [block.strip() + "\n" + end + "\n" for block in text.split(end) if block.strip()]
    try:
        public_keys(pems)
    except ValueError as error:
        raise ImproperlyConfigured(f"TANDEM_TOKEN_PUBLIC_KEYS: {error}") from error
    return pems
