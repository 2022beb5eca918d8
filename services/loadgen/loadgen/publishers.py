"""The ways to publish: by Redis, the server API, a client's socket, a channel layer, to node's servers or the floor."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

from . import frames, messages
from .target import Target

Batch = Sequence[tuple[str, bytes]]
"""Channel and data of every publication that is due."""


class PublishError(RuntimeError):
    """The server refused a publication."""


class Publisher(Protocol):
    """Sends what is due. `send` returns when everything in the batch was taken."""

    def send(self, batch: Batch) -> None: ...


class RedisPublisher:
    """Publish as a Django project does, by `tandem.publish_many`. TANDEM_* variables say where and how."""

    def __init__(self) -> None:
        from django.conf import settings

        if not settings.configured:
            settings.configure()  # the TANDEM_ variables say the rest
        import msgspec

        from tandem.publisher import Draft, publish_many

        self._publish_many, self._draft, self._raw = publish_many, Draft, msgspec.Raw

    def send(self, batch: Batch) -> None:
        """Publish in one round trip for each Redis shard."""
        for outcome in self._publish_many([self._draft(channel, self._raw(data)) for channel, data in batch]):
            if isinstance(outcome, Exception):
                raise outcome


class ApiPublisher:
    """Publish through the server API, one request for what is due, on a connection that stays open."""

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=10)
        self._path = parts.path.rstrip("/")
        self._headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def send(self, batch: Batch) -> None:
        """Publish a single one by `publish`, several by `batch`."""
        requests = [b'{"channel":%s,"data":%s}' % (json.dumps(channel).encode(), data) for channel, data in batch]
        if len(requests) == 1:
            self._post("publish", requests[0])
        else:
            self._post("batch", b'{"commands":[%s]}' % b",".join(b'{"publish":%s}' % each for each in requests))

    def _post(self, method: str, body: bytes) -> None:
        self._connection.request("POST", f"{self._path}/{method}", body, self._headers)
        response = self._connection.getresponse()
        text = response.read()
        if response.status != 200 or b'"error"' in text:
            raise PublishError(f"{self._path}/{method}: {response.status} {text[:200]!r}")


class ClientPublisher:
    """Publish as a client, by publish commands on one socket (the namespace must allow it)."""

    def __init__(self, target: Target, channels: Sequence[str]) -> None:
        self._socket = socket.create_connection(target.address, timeout=10)
        self._pending = b""
        self._number = len(channels) + 1
        self._socket.sendall(target.opening(0, ""))
        while frames.HANDSHAKE_END not in self._pending:
            self._pending += self._receive()
        self._pending = self._pending.split(frames.HANDSHAKE_END, 1)[1]
        self._socket.sendall(target.connecting(0))
        self._replies(1)
        # A namespace may let only subscribers publish.
        for start in range(0, len(channels), 100):
            some = channels[start : start + 100]
            self._socket.sendall(b"".join(target.subscribing(0, channel, None, 0) for channel in some))
            self._replies(len(some))

    def send(self, batch: Batch) -> None:
        """Publish everything in one write and wait for the replies."""
        commands = []
        for channel, data in batch:
            self._number += 1
            commands.append(frames.client_frame(messages.publish(self._number, channel, data)))
        self._socket.sendall(b"".join(commands))
        self._replies(len(commands))

    def _replies(self, wanted: int) -> None:
        while wanted > 0:
            whole, self._pending = frames.split(self._pending)
            for opcode, payload in whole:
                if opcode == frames.CLOSE:
                    raise PublishError("closed: {} {}".format(*frames.close_reason(payload)))
                for line in payload.split(b"\n"):
                    if line == messages.PING:
                        self._socket.sendall(frames.client_frame(messages.PING))
                    elif line.startswith(b'{"id"'):
                        wanted -= 1
                        if line.find(b'"error":', 0, 40) > 0:
                            raise PublishError(line.decode())
            if wanted > 0:
                self._pending += self._receive()

    def _receive(self) -> bytes:
        if data := self._socket.recv(65536):
            return data
        raise PublishError("the server closed the connection")


class LayerPublisher:
    """Publish as the Channels tutorial does: `group_send` of a plain message, on one event loop."""

    def __init__(self, hosts: str) -> None:
        from channels_redis.pubsub import RedisPubSubChannelLayer

        self._loop = asyncio.new_event_loop()
        self._layer: Any = RedisPubSubChannelLayer(hosts=hosts.split(","))

    def send(self, batch: Batch) -> None:
        """Send everything at once."""
        self._loop.run_until_complete(self._send(batch))

    async def _send(self, batch: Batch) -> None:
        events = [(channel, {"type": "chat.message", "message": json.loads(data)}) for channel, data in batch]
        await asyncio.gather(*(self._layer.group_send(channel, event) for channel, event in events))


class MessagePublisher:
    """Publish by Redis's PUBLISH, which `node/ws.mjs` passes on."""

    def __init__(self, redis_url: str) -> None:
        import redis

        self._redis = redis.Redis.from_url(redis_url)

    def send(self, batch: Batch) -> None:
        """Send everything in one round trip."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for channel, data in batch:
                pipeline.publish(*self._message(channel, data))
            pipeline.execute()

    def _message(self, channel: str, data: bytes) -> tuple[str, bytes]:
        return channel, data


class EmitterPublisher(MessagePublisher):
    """Publish as an emitter of Socket.IO does, for its Redis adapter: an event to a room."""

    def _message(self, channel: str, data: bytes) -> tuple[str, bytes]:
        import msgspec

        packet = {"type": 2, "data": ["publication", json.loads(data)], "nsp": "/"}
        options: dict[str, Any] = {"rooms": [channel], "except": [], "flags": {}}
        return f"socket.io#/#{channel}#", msgspec.msgpack.encode(["emitter", packet, options])


class LinePublisher:
    """Publish to the floor: one line of JSON for each publication, over TCP."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, batch: Batch) -> None:
        """Send everything in one write."""
        self._socket.sendall(b"".join(data + b"\n" for _, data in batch))


def make(kind: str, where: dict[str, str], target: Target, channels: Sequence[str]) -> Publisher:
    """Return the publisher of this *kind*; *where* has its addresses and keys."""
    if kind == "redis":
        return RedisPublisher()
    if kind == "api":
        return ApiPublisher(where["api_url"], where["api_key"])
    if kind == "client":
        return ClientPublisher(target, channels)
    if kind == "layer":
        return LayerPublisher(where["layer_hosts"])
    if kind == "message":
        return MessagePublisher(where["redis_url"])
    if kind == "emitter":
        return EmitterPublisher(where["redis_url"])
    if kind == "line":
        return LinePublisher(where["line_address"])
    raise ValueError(f"publisher {kind}: expected redis, api, client, layer, message, emitter or line")
