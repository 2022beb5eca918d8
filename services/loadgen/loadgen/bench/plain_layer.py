"""The realtime service's settings with channels-redis's own pub/sub layer, to compare the same hub over both."""

import os

from tandem_realtime.settings import *  # noqa: F403  # a settings module that changes one setting

_HOSTS = {"hosts": os.environ["TANDEM_REDIS_URLS"].split(",")}
_PLAIN = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": _HOSTS}
CHANNEL_LAYERS = {"plain": _PLAIN}  # type: ignore[dict-item]  # the other settings have no CONFIG
TANDEM = {"channel_layer": "plain"}
