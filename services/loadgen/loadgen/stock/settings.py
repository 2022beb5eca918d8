"""Settings of the textbook project."""

from __future__ import annotations

import os

SECRET_KEY = "for a benchmark on loopback"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["daphne", "channels"]
ASGI_APPLICATION = "loadgen.stock.asgi.application"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": os.environ.get("STOCK_LAYER", "channels_redis.pubsub.RedisPubSubChannelLayer"),
        "CONFIG": {"hosts": os.environ["TANDEM_REDIS_URLS"].split(",")},
    }
}
