"""Settings of the api service. The environment is read here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from tandem.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent

env = Env()

# Development: a secret key, hosts and a Redis of its own, and Django's error pages. Never where others can reach it.
DEBUG = env.bool("TANDEM_DEBUG", False)


def required(name: str, development: str) -> str:
    """Return the variable *name*; only in development may it be missing."""
    if value := env.str(name, development if DEBUG else ""):
        return value
    raise ImproperlyConfigured(f"{name} must be set (or TANDEM_DEBUG=1 for development)")


# -- Who may ask ---------------------------------------------------------------------------------
SECRET_KEY = required("DJANGO_SECRET_KEY", "development-only-" + "0" * 40)
ALLOWED_HOSTS = [host.strip() for host in required("DJANGO_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")]
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

# The edge ends TLS and says so. It must overwrite the header, as ours does: a client could send it too.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.bool("DJANGO_SECURE_COOKIES", not DEBUG)
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
# Redirects to https and HSTS are the edge's: behind it, a pod also answers probes and metrics over plain HTTP.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

# Redis, namespaces, tokens: TANDEM_ variables say it, the same for both services.
TANDEM: dict[str, Any] = {}
CHANNEL_LAYERS = {"default": {"BACKEND": "tandem.layer.ChannelLayer"}}

# Off: there is no realtime service yet. The pages then ask every few seconds.
TANDEM_REALTIME_ENABLED = env.bool("TANDEM_REALTIME_ENABLED", True)

# -- What runs -----------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "tandem",
    "tandem.monitor",
    "tandem.inbox",
    "tandem.live",
    "api",
    "api.counters",
    "api.inbox",
    "api.orders",
    "api.front",
    "api.transports",
]
MIDDLEWARE = [
    "tandem.probes.ProbesMiddleware",  # first: the kubelet sends the pod's IP as Host
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # before the log and the metrics: they are about what Django answers
    "tandem.request_log.RequestLogMiddleware",
    "tandem.metrics.MetricsMiddleware",
    "api.headers.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
CSRF_FAILURE_VIEW = "api.errors.forbidden"
ROOT_URLCONF = "api.urls"
WSGI_APPLICATION = "api.wsgi.application"
ASGI_APPLICATION = "api.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- The database --------------------------------------------------------------------------------
_SQLITE = {
    "timeout": 20,  # seconds to wait for another writer; SQLite gives no turns, so one can wait long
    "transaction_mode": "IMMEDIATE",  # take the write lock at BEGIN: a read that turns into a write cannot wait
    "init_command": "PRAGMA journal_mode=WAL",
}
# As many connections as a gunicorn worker has threads.
_POOL = {"min_size": 1, "max_size": 8, "timeout": 5}


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for the database at *url*."""
    parsed: dict[str, Any] = {**dj_database_url.parse(url, conn_health_checks=True)}
    options = parsed.setdefault("OPTIONS", {})
    if parsed["ENGINE"].endswith("sqlite3"):
        options.update(_SQLITE)
    elif parsed["ENGINE"].endswith("postgresql"):
        options.setdefault("pool", _POOL)
        options.setdefault("connect_timeout", 5)
    return parsed


DATABASES = {"default": database(env.str("DATABASE_URL", f"sqlite:///{BASE_DIR / 'tandem.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# -- Words, times, files ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
_HASHED = "whitenoise.storage.CompressedManifestStaticFilesStorage"
_PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
STORAGES = {"staticfiles": {"BACKEND": _PLAIN if DEBUG else _HASHED}}
WHITENOISE_USE_FINDERS = DEBUG  # development needs no collectstatic

LOGGING = logging_config(env.str("TANDEM_LOG_LEVEL", "INFO"))
