"""A subscriber that comes back by itself, as SDKs do, and records what came, in which order, and what it was told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tandem.errors import TandemError
from tandem.publication import Position
from tandem.publisher import publish

RETRY_SECONDS = 0.2


@dataclass
class Record:
    """
    What one subscriber knows. `told_at` are the positions at which it was told to reload.

    `states` are what the server said of itself, and when, on the monotonic clock.
    """

    seen: list[int] = field(default_factory=list)
    told_at: list[Position] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    connections: int = 0
    closes: list[int | None] = field(default_factory=list)
    states: list[tuple[float, str]] = field(default_factory=list)
    since_told: list[int] = field(default_factory=list)


class Keeper:
    """
    One client of *channel* at *url*. Use as an asynchronous context manager; inside, it is subscribed.

    *number_of* finds the number in a publication's data.
    """

    def __init__(self, url: str, channel: str, *, number_of: Callable[[Any], int] = int) -> None:
        self.url = url
        self.number_of = number_of
        self.channel = channel
        self.record = Record()
        self.position: Position | None = None
        self.is_cut = asyncio.Event()
        self.subscribed = asyncio.Event()
        self._mended = asyncio.Event()
        self._mended.set()
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def cut(self, seconds: float) -> None:
        """Lose the connection without a word, and have none for *seconds*."""
        self._mended.clear()
        if self._socket is not None:
            self._socket.transport.abort()
        await asyncio.sleep(seconds)
        self._mended.set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        await asyncio.wait_for(self.subscribed.wait(), 20)
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._mended.wait()
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                async with connect(self.url, compression=None, ping_interval=None, close_timeout=1) as self._socket:
                    self.record.connections += 1
                    self.subscribed.clear()
                    try:
                        await self._serve(self._socket)
                    finally:
                        self.record.closes.append(self._socket.close_code)
            await asyncio.sleep(random.uniform(0.01, RETRY_SECONDS))

    async def _serve(self, socket: ClientConnection) -> None:
        await socket.send('{"id":1,"connect":{}}\n' + self._subscribe())
        async for frame in socket:
            for line in str(frame).splitlines():
                message = json.loads(line)
                if not message:
                    await socket.send("{}")
                elif "error" in message:
                    await asyncio.sleep(RETRY_SECONDS)
                    await socket.send(self._subscribe())
                elif "subscribe" in message:
                    self._subscribed(message["subscribe"])
                elif "push" in message and "unsubscribe" in message["push"]:
                    await socket.send(self._subscribe())
                elif "push" in message and "message" in message["push"]:
                    self._told(message["push"]["message"]["data"])
                elif "push" in message:
                    self._take(message["push"]["pub"])

    def _subscribe(self) -> str:
        since = {"recover": True, **self.position._asdict()} if self.position else {}
        return json.dumps({"id": 2, "subscribe": {"channel": self.channel, **since}})

    def _subscribed(self, result: dict[str, Any]) -> None:
        position = Position(result["epoch"], result.get("offset", 0))
        if self.position is not None and not result.get("recovered"):
            self.record.told_at.append(position)
            self.record.since_told = []
            self.position = position
        self.position = self.position or position
        for publication in result.get("publications", []):
            self._take(publication)
        if self.position.offset != position.offset:
            self.record.faults.append(f"recovered to {self.position.offset}, the reply says {position.offset}")
        self.position = position
        self.subscribed.set()

    def _told(self, data: dict[str, Any]) -> None:
        if data.get("type") == "tandem.state":
            self.record.states.append((time.monotonic(), data["state"]))

    def _take(self, publication: dict[str, Any]) -> None:
        assert self.position is not None
        offset, number = publication["offset"], self.number_of(publication["data"])
        if offset != self.position.offset + 1:
            self.record.faults.append(f"offset {offset} after {self.position.offset}")
        if self.record.since_told and number <= self.record.since_told[-1]:
            self.record.faults.append(f"number {number} after {self.record.since_told[-1]}")
        self.position = Position(self.position.epoch, offset)
        self.record.seen.append(number)
        self.record.since_told.append(number)


@dataclass
class Producer:
    """Publishes 0, 1, 2 ... and knows which were confirmed, at which position, and how long the longest call took."""

    channel: str
    confirmed: dict[int, Position] = field(default_factory=dict)
    failed: dict[int, TandemError] = field(default_factory=dict)
    longest: float = 0.0
    next_number: int = 0

    async def publish(self, count: int, *, every: float = 0.01) -> None:
        """Publish *count* numbers, one *every* so many seconds."""
        for _ in range(count):
            await asyncio.to_thread(self.publish_one)
            await asyncio.sleep(every)

    async def publish_for(self, seconds: float, *, every: float = 0.02) -> None:
        """Publish for *seconds*."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            await self.publish(1, every=every)

    def publish_one(self) -> None:
        """Publish the next number."""
        number, self.next_number = self.next_number, self.next_number + 1
        started = time.monotonic()
        try:
            self.confirmed[number] = publish(self.channel, number)
        except TandemError as error:
            self.failed[number] = error
        self.longest = max(self.longest, time.monotonic() - started)


def is_whole(keeper: Keeper, producer: Producer) -> bool:
    """Tell whether *keeper* has what was confirmed last, or was told to reload when that was in the stream."""
    last = max(producer.confirmed, default=None)
    if last is None or (keeper.record.seen and keeper.record.seen[-1] >= last):
        return True
    at, told = producer.confirmed[last], keeper.record.told_at[-1:]
    return any(epoch == at.epoch and offset >= at.offset for epoch, offset in told)


async def until_whole(keepers: list[Keeper], producer: Producer, *, seconds: float) -> float:
    """Wait until every keeper is whole; return how long that took. Raises `TimeoutError` that says who lacks what."""
    started = time.monotonic()
    while not all(is_whole(keeper, producer) for keeper in keepers):
        if time.monotonic() - started > seconds:
            last = max(producer.confirmed)
            raise TimeoutError(f"of {last} at {producer.confirmed[last]}: {[_standing(keeper) for keeper in keepers]}")
        await asyncio.sleep(0.02)
    return time.monotonic() - started


def _standing(keeper: Keeper) -> str:
    record = keeper.record
    return (
        f"seen {record.seen[-1:]}, at {keeper.position}, told {record.told_at[-1:]}, subscribed "
        f"{keeper.subscribed.is_set()}, closes {record.closes}, states {[state for _, state in record.states]}"
    )


def assert_nothing_lost(keepers: list[Keeper], producer: Producer) -> None:
    """
    Compare the record of every keeper with the producer's.

    Nothing that was never published; no repeat, no step back, no hole; what was confirmed and did not come is covered
    by having been told. A call that failed may have published or not.
    """
    attempted = set(producer.confirmed) | set(producer.failed)
    for keeper in keepers:
        record = keeper.record
        assert record.faults == []
        assert set(record.seen) <= attempted
        if not record.told_at:
            assert set(producer.confirmed) - set(record.seen) == set()
            continue
        told = record.told_at[-1]
        owed = {
            number for number, at in producer.confirmed.items() if at.epoch == told.epoch and at.offset > told.offset
        }
        assert owed - set(record.since_told) == set()
