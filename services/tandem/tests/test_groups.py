"""From a channel to its group and its shard, which channels-redis must agree with."""

from __future__ import annotations

import pytest
from channels.layers import BaseChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from tandem.groups import group_for, layer_channel, shard_for, shard_for_group

CHANNELS = ["public:counter.demo", "x" * 255, "a", "notifications:#42", '!"$%&/()=?', *map(str, range(200))]


def test_group_is_valid_and_tells_its_channel() -> None:
    """Channels accepts it, and a reader of `PUBSUB CHANNELS` sees what it is."""
    assert all(BaseChannelLayer().require_valid_group_name(group_for(channel)) for channel in CHANNELS)
    assert group_for("public:counter.demo").startswith("tandem.public-counter.demo.")


def test_groups_differ_where_channels_do() -> None:
    """Also where only replaced characters, case or the far end differ."""
    alike = ["a:b", "a-b", "a/b", "A-b", "x" * 60 + "1", "x" * 60 + "2"]

    assert len({group_for(channel) for channel in alike}) == len(alike)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
async def test_shard_is_the_one_that_channels_redis_picks(count: int) -> None:
    """The group's messages and the stream live in the same Redis, whoever publishes."""
    layer = RedisPubSubChannelLayer(hosts=[f"redis://127.0.0.1:{port}" for port in range(1, count + 1)])

    for channel in CHANNELS:
        group = group_for(channel)
        name = layer_channel(group)

        assert name == layer._get_layer()._get_group_channel_name(group)
        assert shard_for(channel, count) == shard_for_group(group, count)
        assert layer._get_layer()._shards[shard_for(channel, count)] is layer._get_layer()._get_shard(name)


def test_shards_share_the_channels() -> None:
    """No shard is left out."""
    counts = [sum(shard_for(channel, 3) == shard for channel in CHANNELS) for shard in range(3)]

    assert min(counts) > len(CHANNELS) / 6
