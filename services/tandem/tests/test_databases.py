"""Two deployments on one Redis, told apart by the number of the database: neither hears the other."""

from __future__ import annotations

import asyncio

from rig.overrides import override_tandem
from rig.servers import RedisServer
from tandem.groups import group_for, layer_channel
from tandem.layer import ChannelLayer
from tandem.publisher import publish


async def test_what_is_published_in_one_is_not_heard_in_the_other(redis_server: RedisServer, redis_url: str) -> None:
    """With history and without, and by plain group_send; a number that is not 0 is part of every name."""
    other = redis_url.removesuffix("/0") + "/1"
    heard: list[tuple[int, str]] = []
    layers = [ChannelLayer(hosts=[url]) for url in (redis_url, other)]
    groups = [group_for(channel) for channel in ("kept:a", "live:a")]
    for number, layer in enumerate(layers):
        await layer.listen(groups, lambda group, _, number=number: heard.append((number, group)))
    with override_tandem(redis_urls=[other]):
        assert layer_channel("x") == "asgi.1__group__x"
        for channel in ("kept:a", "live:a"):
            await asyncio.to_thread(publish, channel, 1)
    await layers[1].group_send(groups[1], {"type": "publication", "data": 1})
    async with asyncio.timeout(5):
        while len(heard) < 3:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)

    assert sorted(heard) == sorted([(1, groups[0]), (1, groups[1]), (1, groups[1])])
    for layer in layers:
        await layer.flush()
