"""The channel layer: Channels' messaging over Redis pub/sub, for consumers and for the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from channels.layers import channel_layers
from channels_redis.serializers import registry
from channels_redis.utils import _wrap_close, decode_hosts

from tandem import conf
from tandem.layer.local import LocalLayer, Options
from tandem.memory import is_memory
from tandem.redis.address import LAYER_PREFIX, Address, prefix_in

__all__ = ["CAPACITY", "ChannelLayer", "configured_layer"]

CAPACITY = 1000


class ChannelLayer:
    """
    Take the place of ``channels_redis.pubsub.RedisPubSubChannelLayer``: same options, same API, same wire.

    Without *hosts*, those of ``TANDEM["redis_urls"]``. The *prefix* is ``TANDEM["redis_prefix"]`` or else ``asgi``, and
    ``asgi.1`` in database 1; where it is not ``asgi``, the names of channels begin with it, too.

    What differs: a subscription counts when Redis has confirmed it; a channel holds at most *capacity* messages that
    were not received, and later ones are dropped and counted; *on_disconnect* and *on_reconnect*, message types that
    every local channel gets, work; what cannot reach Redis raises `RedisUnavailable` within a second. Further options
    of other layers are accepted and ignored, as there.

    As there, each event loop has its own channels and connections, closed with the loop.
    """

    extensions = ["groups", "flush"]

    def __init__(
        self,
        hosts: Sequence[Any] | None = None,
        prefix: str | None = None,
        on_disconnect: str | None = None,
        on_reconnect: str | None = None,
        *,
        symmetric_encryption_keys: Sequence[str | bytes] | None = None,
        serializer_format: str = "msgpack",
        capacity: int = CAPACITY,
        **ignored: Any,
    ) -> None:
        self._serializer = registry.get_serializer(
            serializer_format, symmetric_encryption_keys=symmetric_encryption_keys
        )
        addresses = [_address(host) for host in decode_hosts(hosts or conf.redis_urls())]
        self.prefix = prefix or _prefix_at(addresses[0])
        of_channels = "" if prefix or self.prefix == LAYER_PREFIX else self.prefix
        self._options = Options(
            addresses, self.prefix, of_channels, self._serializer, capacity, on_disconnect, on_reconnect
        )
        self._layers: dict[asyncio.AbstractEventLoop, LocalLayer] = {}

    def serialize(self, message: Any) -> bytes:
        """Return *message* as it goes to Redis."""
        data: bytes = self._serializer.serialize(message)
        return data

    def deserialize(self, message: bytes) -> Any:
        """Return the message that came from Redis as *message*."""
        return self._serializer.deserialize(message)

    @property
    def dropped(self) -> int:
        """The number of messages that full channels refused, in every loop that is still open."""
        return sum(layer.overflow.dropped for layer in self._layers.values())

    # Channels

    async def send(self, channel: str, message: Any) -> None:
        """Send *message* to *channel*, of whatever process."""
        await self._local().send(channel, message)

    async def new_channel(self, prefix: str = "specific.") -> str:
        """Return the name of a new channel of this process; Redis has confirmed its subscription."""
        return await self._local().new_channel(prefix)

    async def receive(self, channel: str) -> Any:
        """
        Return the next message of *channel*, which begins here if it is not known.

        When the last receiver of a channel is cancelled, the channel ends.
        """
        return await self._local().receive(channel)

    async def group_add(self, group: str, channel: str) -> None:
        """
        Add *channel* to *group*; it gets what is sent to the group after the return.

        Raises `RuntimeError` for a channel of another process.
        """
        await self._local().group_add(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Remove *channel* from *group*, if it is there."""
        self._local().group_discard(group, channel)

    async def group_send(self, group: str, message: Any) -> None:
        """Send *message* to every channel in *group* and to every listener of it."""
        await self._local().group_send(group, message)

    async def flush(self) -> None:
        """Forget all channels, groups, listeners and callbacks of this event loop, and close its connections."""
        await self._local().flush()

    # More than channels-redis has

    async def listen(self, groups: Sequence[str], callback: Callable[[str, bytes], None]) -> None:
        """
        Call ``callback(group, serialized_message)`` for all that is sent to each of *groups*.

        Returns when Redis has confirmed every one. Calls of one turn of the loop share one SUBSCRIBE per shard. If
        Redis does not confirm within a second, raises `RedisUnavailable`; the interest stays, and a ``restored`` of
        `watch` tells when it came true, unless `unlisten` takes it back. The same holds when the call is cancelled.
        The callback runs inside the event loop's read: it must be quick.
        """
        await self._local().listen(groups, callback)

    async def unlisten(self, groups: Sequence[str], callback: Callable[[str, bytes], None]) -> None:
        """Stop calling *callback* for *groups*, from now on; whoever waits in `listen` for them is let go."""
        self._local().unlisten(groups, callback)

    def after_reads(self, callback: Callable[[], None]) -> None:
        """Call *callback* when the callbacks of `listen` have been called with all that one read of Redis brought."""
        self._local().after_reads.append(callback)

    def watch(self, callback: Callable[[str, Sequence[str]], None]) -> None:
        """
        Call ``callback("lost", groups)`` and ``callback("restored", groups)`` when a shard goes and comes back.

        *groups* are those of that shard that somebody listens to. Lost: as soon as it is known, within 6 s when Redis
        vanished without a word; whatever is sent until restored does not arrive. Restored: Redis has confirmed them
        again.
        """
        self._local().watchers.append(callback)

    def _local(self) -> LocalLayer:
        loop = asyncio.get_running_loop()
        layer = self._layers.get(loop)
        if layer is None:
            layer = self._layers[loop] = LocalLayer(self._options)
            _wrap_close(self, loop)
        return layer


def _address(host: dict[str, Any]) -> Address | str:
    url = host.get("address")
    return str(url) if is_memory(url) else Address.from_host(host)


def _prefix_at(address: Address | str) -> str:
    return prefix_in(0 if isinstance(address, str) else address.db, conf.settings().redis_prefix)


def configured_layer() -> Any:
    """Return the layer that the hub listens to: the alias ``TANDEM["channel_layer"]``, or one over ``redis_urls``."""
    alias = conf.settings().channel_layer
    return channel_layers[alias] if alias else ChannelLayer()
