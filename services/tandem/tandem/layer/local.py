"""The layer of one event loop: Channels' messaging, and listening to groups without a channel, over the shards."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from channels_redis.utils import _consistent_hash

from tandem.errors import RedisUnavailable
from tandem.layer.mailbox import Mailbox, Overflow
from tandem.layer.shard import Callback, Confirmation, Event, Shard, Topic, open_buckets
from tandem.redis.address import Address
from tandem.redis.connection import LATE_SECONDS
from tandem.redis.slots import bucket_in, place

logger = logging.getLogger("tandem.layer")

CONFIRM_SECONDS = 1.0

Watcher: TypeAlias = Callable[[str, Sequence[str]], None]


@dataclasses.dataclass(frozen=True)
class Options:
    """What every event loop's layer is made from."""

    addresses: Sequence[Address | str]
    """A text is the address of a store in memory."""
    prefix: str
    prefix_of_channels: str
    """What goes before a channel's name in Redis, unless it is there: nothing where names are channels-redis's."""
    serializer: Any
    capacity: int
    on_disconnect: str | None
    on_reconnect: str | None

    @property
    def cluster(self) -> Address | None:
        """The address, where it is a cluster's."""
        [address, *_] = self.addresses
        return address if isinstance(address, Address) and address.seeds else None


class LocalLayer:
    """The channels, groups and connections of one event loop. `ChannelLayer` documents the methods."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.channels: dict[str, Mailbox] = {}
        self.groups: dict[str, set[str]] = {}
        self.watchers: list[Watcher] = []
        self.after_reads: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()
        self.overflow = Overflow(self._loop.time)
        self._own = (self._to_channel, self._to_members)
        self.shards: list[Any] = self._open_shards()  # Shard or MemoryShard

    def _open_shards(self) -> list[Any]:
        if (cluster := self.options.cluster) is not None:
            return list(open_buckets(cluster, timeout=CONFIRM_SECONDS, on_event=self._shard_event, on_read=self._read))
        return [self._open_shard(address) for address in self.options.addresses]

    def _open_shard(self, address: Address | str) -> Any:
        if isinstance(address, str):
            from tandem.memory.shard import MemoryShard

            return MemoryShard(address, on_read=self._read)
        return Shard(address, timeout=CONFIRM_SECONDS, on_event=self._shard_event, on_read=self._read)

    def _shard(self, name: str) -> Any:
        index: int = bucket_in(name) if self.options.cluster else _consistent_hash(name, len(self.shards))
        return self.shards[index]

    def _group_name(self, group: str) -> str:
        if self.options.cluster:
            return place(self.options.prefix, f"__group__{group}")
        return f"{self.options.prefix}__group__{group}"

    def _channel_name(self, channel: str) -> str:
        prefix = self.options.prefix_of_channels
        if self.options.cluster:
            return place(self.options.prefix, channel)
        return channel if channel.startswith(prefix) else prefix + channel

    # Listening

    async def listen(self, groups: Sequence[str], callback: Callback) -> None:
        if isinstance(groups, str):
            raise TypeError(f"expected a sequence of groups, got the string {groups!r}")
        names: dict[Any, list[bytes]] = {}
        for group in groups:
            name = self._group_name(group)
            shard = self._shard(name)
            encoded = name.encode()
            shard.add(encoded, group, callback)
            names.setdefault(shard, []).append(encoded)
        await self._confirmed(names)

    async def _confirmed(self, names: dict[Any, list[bytes]]) -> None:
        waits = [wait for shard, expected in names.items() if (wait := shard.wait(expected))]
        if not waits:
            return
        when = self._loop.time() + CONFIRM_SECONDS
        timer = self._loop.call_at(when, self._expire, waits, when)
        try:
            for wait in waits:
                await wait.future
        except TimeoutError:
            text = f"Redis did not confirm subscriptions within {CONFIRM_SECONDS:g} s: {_some(names)}"
            raise RedisUnavailable(text) from None
        finally:
            timer.cancel()
            for wait in waits:
                wait.give_up()

    def _expire(self, waits: list[Confirmation], when: float) -> None:
        now = self._loop.time()
        if now - when > LATE_SECONDS:
            # This process was held up, not Redis: read first what has been waiting in the socket.
            self._loop.call_at(now + LATE_SECONDS, self._expire, waits, now + LATE_SECONDS)
            return
        for wait in waits:
            if not wait.future.done():
                wait.future.set_exception(TimeoutError())
                break  # nobody awaits the others any more

    def unlisten(self, groups: Sequence[str], callback: Callback) -> None:
        for group in groups:
            name = self._group_name(group)
            self._shard(name).remove(name.encode(), callback)

    # Channels

    async def send(self, channel: str, message: Any) -> None:
        name = self._channel_name(channel)
        await self._shard(name).publish(name, self.options.serializer.serialize(message))

    async def new_channel(self, prefix: str) -> str:
        channel = f"{self.options.prefix}{prefix}{uuid.uuid4().hex}"
        await self._open(channel)
        return channel

    async def receive(self, channel: str) -> Any:
        mailbox = self.channels.get(channel) or await self._open(channel)
        mailbox.receivers += 1
        try:
            data = await mailbox.get()
        except BaseException:
            # Channels has no call that ends a channel: the end of its last receiver is the end of the channel.
            mailbox.receivers -= 1
            self._forget(channel, mailbox)
            raise
        mailbox.receivers -= 1
        return self.options.serializer.deserialize(data)

    async def _open(self, channel: str) -> Mailbox:
        mailbox = self.channels[channel] = Mailbox(self.options.capacity)
        name = self._channel_name(channel)
        shard = self._shard(name)
        shard.add(name.encode(), channel, self._to_channel)
        try:
            await self._confirmed({shard: [name.encode()]})
        except BaseException:
            self._forget(channel, mailbox)
            raise
        return mailbox

    def _forget(self, channel: str, mailbox: Mailbox) -> None:
        if self.channels.get(channel) is mailbox and not mailbox.receivers:
            del self.channels[channel]
            name = self._channel_name(channel)
            self._shard(name).remove(name.encode(), self._to_channel)

    # Groups

    async def group_add(self, group: str, channel: str) -> None:
        if channel not in self.channels:
            raise RuntimeError(
                f"group_add({group!r}, {channel!r}): the channel is not of this process. "
                "A consumer adds its own: self.channel_layer.group_add(group, self.channel_name)"
            )
        members = self.groups.setdefault(group, set())
        is_new = channel not in members
        members.add(channel)
        try:
            await self.listen([group], self._to_members)
        except BaseException:
            if is_new:
                self.group_discard(group, channel)
            raise

    def group_discard(self, group: str, channel: str) -> None:
        members = self.groups.get(group, set())
        members.discard(channel)
        if group in self.groups and not members:
            del self.groups[group]
            self.unlisten([group], self._to_members)

    async def group_send(self, group: str, message: Any) -> None:
        name = self._group_name(group)
        await self._shard(name).publish(name, self.options.serializer.serialize(message))

    async def flush(self) -> None:
        shards, self.shards = self.shards, self._open_shards()
        self.channels.clear()
        self.groups.clear()
        self.watchers.clear()
        self.after_reads.clear()
        for shard in shards:
            await shard.close()

    # What the shards tell

    def _to_channel(self, channel: str, data: bytes) -> None:
        if mailbox := self.channels.get(channel):
            self.overflow.put(channel, mailbox, data)

    def _to_members(self, group: str, data: bytes) -> None:
        for channel in self.groups.get(group, ()):
            self._to_channel(channel, data)

    def _read(self) -> None:
        for callback in self.after_reads:
            try:
                callback()
            except Exception:  # the connection is not to blame
                logger.exception("what follows a read of the layer failed")

    def _shard_event(self, event: Event, topics: Sequence[Topic]) -> None:
        message_type = self.options.on_disconnect if event == "lost" else self.options.on_reconnect
        if message_type is not None:
            notice = self.options.serializer.serialize({"type": message_type})
            for channel in self.channels:
                self._to_channel(channel, notice)
        groups = [topic.title for topic in topics if not set(topic.callbacks).issubset(self._own)]
        for watcher in tuple(self.watchers):
            try:
                watcher(event, groups)
            except Exception:  # a watcher's bug must not cost the others the news
                logger.exception("a watcher of the layer failed")


def _some(names: dict[Shard, list[bytes]], limit: int = 3) -> str:
    """Name a few of *names*, for an error."""
    every = [name.decode() for expected in names.values() for name in expected]
    return ", ".join(every[:limit]) + (f" and {len(every) - limit} more" if len(every) > limit else "")
