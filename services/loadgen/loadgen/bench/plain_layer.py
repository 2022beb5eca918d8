"""The realtime service's settings with channels-redis's own pub/sub layer, to compare the same hub over both."""

from tandem_realtime.settings import *  # noqa: F403  # a settings module that changes one setting
from tandem_realtime.settings import CHANNEL_LAYERS as _ours  # type: ignore[attr-defined]  # set by globals().update

CHANNEL_LAYERS = {
    "default": {**_ours["default"], "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"},
}
