"""The loop that moves many thousand clients: raw sockets and epoll, no more parsing than is needed."""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import frames, limits, messages
from .client import Client, State
from .histogram import Histogram
from .saturation import Saturation
from .target import Target
from .timers import Timers

READ_BYTES = 65536
_LOST = 1006  # no close frame came (RFC 6455 section 7.1.5)


class Observer:
    """What a scenario may want to know. Every method does nothing unless overridden."""

    def subscribed(self, client: Client, reply: dict[str, Any]) -> None:
        """*client* is live; *reply* is the subscribe reply ({} where the path subscribes)."""

    def closed(self, client: Client, code: int, reason: str) -> None:
        """The socket of *client* is gone; *code* is an HTTP status if it was never opened."""


class Swarm:
    """All clients of one process. `received` and `latencies` count what came since `measure()`."""

    def __init__(self, target: Target, *, wall_clock: bool = False) -> None:
        self.aim(target)
        self._clock = time.time_ns if wall_clock else time.monotonic_ns
        self._base = 0 if wall_clock else messages.MONOTONIC_BASE
        self._poller = select.epoll()
        self._clients: dict[int, Client] = {}
        self._known: dict[ModuleType, tuple[bytes, messages.Seen]] = {}
        self.observer = Observer()
        self.timers = Timers()
        self.saturation = Saturation()
        self.by_number = 0  # channels that the numbers are spread over, where the path subscribes
        self.live = 0
        self.errors: list[str] = []
        self.measure()

    def aim(self, target: Target) -> None:
        """Open sockets to *target* from now on."""
        self.target = target
        host, port = target.address
        self._address = (socket.gethostbyname(host), port)

    def measure(self) -> None:
        """Start counting anew: publications, latencies, and the saturation on this process."""
        self.received = self.foreign = 0
        self.latencies = Histogram()
        self.saturation.restart()

    def open(self, client: Client, *, receive_buffer: int = 0) -> None:
        """Begin to connect *client*; it subscribes by itself, from its last position if it has one."""
        client.sock = limits.open_socket(client.index, self._address, receive_buffer=receive_buffer)
        client.state = State.CONNECTING
        client.speech = self.target.speech(client.index)
        client.opened_at = time.monotonic_ns()
        self._clients[client.sock.fileno()] = client
        self._poller.register(client.sock, select.EPOLLOUT | select.EPOLLIN)

    def cut(self, client: Client, *, abort: bool = False) -> None:
        """Close the socket of *client* from our side, with no close frame; the observer is not told."""
        if client.sock is not None:
            self._forget(client)
            client.shut(abort=abort)

    def pause(self, client: Client) -> None:
        """Stop reading from *client*, as a slow reader does."""
        if client.sock is not None:
            self._poller.unregister(client.sock)

    def resume(self, client: Client) -> None:
        """Read from *client* again."""
        if client.sock is not None:
            self._poller.register(client.sock, select.EPOLLIN)

    def close(self) -> None:
        """Close every socket."""
        for client in list(self._clients.values()):
            self.cut(client)
        self._poller.close()

    def run(self, *, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Turn the loop until *until* holds (True) or *seconds* have passed (False)."""
        end = time.monotonic() + seconds
        while until is None or not until():
            remaining = end - time.monotonic()
            if remaining <= 0:
                return False
            self.turn(min(remaining, 0.05))
        return True

    def turn(self, timeout: float) -> None:
        """Wait for sockets or timers at most *timeout* seconds, and serve those that are due."""
        self.timers.run(time.monotonic_ns())
        events = self._poller.poll(self.timers.wait(timeout), 1024)
        begin = time.monotonic_ns()
        for descriptor, _ in events:
            client = self._clients.get(descriptor)
            if client is not None:
                if client.state == State.CONNECTING:
                    self._connected(client)
                else:
                    self._receive(client)
        if events:
            self.saturation.turned(begin, time.monotonic_ns())

    def _connected(self, client: Client) -> None:
        assert client.sock is not None
        if error := client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._gone(client, _LOST, f"connect: errno {error}")
            return
        self._poller.modify(client.sock, select.EPOLLIN)
        client.state = State.OPENING
        self._send(client, self.target.opening(client.index, client.channel))

    def _send(self, client: Client, data: bytes) -> None:
        try:
            if client.sock is not None:
                client.sock.send(data)
        except OSError as error:
            self._gone(client, _LOST, str(error))

    def _receive(self, client: Client) -> None:
        assert client.sock is not None
        try:
            data = client.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._gone(client, _LOST, str(error))
            return
        # A fan-out sends the same bytes to everyone: what was read once need not be read again.
        known = self._known.get(client.speech)
        if known is not None and data == known[0] and not client.pending and client.state == State.LIVE:
            self._publication(client, known[1])
        elif data:
            self._read(client, client.pending + data if client.pending else data)
        else:
            self._gone(client, _LOST, "end of stream")

    def _read(self, client: Client, data: bytes) -> None:
        if client.state == State.OPENING:
            end = data.find(frames.HANDSHAKE_END)
            if end < 0:
                client.pending = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self._gone(client, int(data[9:12] or b"0"), data[:end].decode("latin-1"))
                return
            data = data[end + 4 :]
            self._opened(client)
        try:
            whole, client.pending = frames.split(data)
        except frames.FrameError as error:
            self.errors.append(str(error))
            self._gone(client, _LOST, str(error))
            return
        if len(whole) == 1 and not client.pending and client.state == State.LIVE:
            self._remember(client.speech, data, whole[0][1])
        for opcode, payload in whole:
            if client.sock is None:
                return
            if opcode == client.speech.OPCODE:
                for message in client.speech.split(payload):
                    self._message(client, message)
            elif opcode == frames.CLOSE:
                self._gone(client, *frames.close_reason(payload))
            elif opcode == frames.PING:
                self._send(client, frames.client_frame(payload, frames.PONG))

    def _remember(self, speech: ModuleType, data: bytes, payload: bytes) -> None:
        if speech.is_one_publication(payload, bare=self.target.by_path):
            self._known[speech] = data, speech.read(next(speech.split(payload)))

    def _opened(self, client: Client) -> None:
        if self.target.by_path:
            if client.record.epoch is None:
                client.record.subscribed("", 0, recovered=False)
            self._live(client, {})
        else:
            client.state = State.JOINING
            self._send(client, self.target.connecting(client.index))

    def _live(self, client: Client, reply: dict[str, Any]) -> None:
        client.state = State.LIVE
        self.live += 1
        self.observer.subscribed(client, reply)

    def _message(self, client: Client, message: bytes) -> None:
        speech = client.speech
        if speech.is_ping(message):
            self._send(client, frames.client_frame(speech.PING, speech.OPCODE))
        elif self.target.by_path or speech.is_publication(message):
            self._publication(client, speech.read(message))
        else:
            self._reply(client, speech.reply(message))

    def _publication(self, client: Client, seen: messages.Seen) -> None:
        client.record.publication(seen.number // self.by_number + 1 if self.by_number else seen.offset)
        if seen.stamp is None:
            self.foreign += 1
            return
        self.received += 1
        self.latencies.record(self._clock() - seen.stamp + self._base)

    def _reply(self, client: Client, reply: dict[str, Any]) -> None:
        if "error" in reply:
            self.errors.append(json.dumps(reply["error"]))
            self._gone(client, int(reply["error"]["code"]), str(reply["error"].get("message")))
        elif "connect" in reply and self.target.by_connecting:
            self._live(client, reply)
        elif "connect" in reply:
            self._subscribe(client)
        elif "subscribe" in reply:
            self._subscribed(client, reply["subscribe"])
        elif "unsubscribe" in reply.get("push", {}):
            self.live -= 1
            self._subscribe(client)

    def _subscribe(self, client: Client) -> None:
        client.state = State.SUBSCRIBING
        record = client.record
        self._send(client, self.target.subscribing(client.index, client.channel, record.epoch, record.offset))

    def _subscribed(self, client: Client, reply: dict[str, Any]) -> None:
        offsets = [publication["offset"] for publication in reply.get("publications", ())]
        recovered = bool(reply.get("recovered"))
        client.record.subscribed(reply.get("epoch", ""), reply.get("offset", 0), recovered=recovered, offsets=offsets)
        self._live(client, reply)

    def _forget(self, client: Client) -> None:
        assert client.sock is not None
        if client.state == State.LIVE:
            self.live -= 1
        del self._clients[client.sock.fileno()]

    def _gone(self, client: Client, code: int, reason: str) -> None:
        self._forget(client)
        client.shut()
        self.observer.closed(client, code, reason)
