"""The streams in Redis, as the hub asks them: a position, what follows one, and where many channels stand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.publication import Position, Publication
from tandem.scripts import StreamState
from tandem.streams import publications
from tandem_realtime.surplus import surplus_of

CHECK_BATCH = 500
MANY = 1_000_000
PART = 300
PART_BYTES = 524_288
"""How many publications, and about how many bytes, one read takes: Redis does nothing else meanwhile."""

DECODED_AT_ONCE = 8


class Found(NamedTuple):
    """What a stream holds after a position."""

    state: StreamState
    publications: list[Publication]


class Part(NamedTuple):
    """What one read found, and whether there may be more."""

    state: StreamState
    publications: list[Publication]
    is_more: bool


class Streams:
    """Reads of the streams. All but `check` raise `RedisUnavailable` within a second, or `RedisReplyError`."""

    def __init__(self, shards: AsyncShards) -> None:
        self.shards = shards

    def require(self, channel: str) -> None:
        """Raise `RedisUnavailable` at once where the shard of *channel* is known to be away."""
        if (failure := self.shards.clients[self.shards.of(channel)].failure) is not None:
            raise RedisUnavailable(str(failure))

    async def state(self, channel: str) -> StreamState:
        """Return where the stream of *channel* stands."""
        return scripts.parse_entries(await self.shards.run(channel, scripts.read_call(channel, None, 0))).state

    async def read(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool = False, is_client: bool = False
    ) -> Found:
        """
        Read at most *limit* publications after *since*, part by part, up to where the stream stands at the first one.

        *is_client*: that is where a client says it stands; nothing if *since* is elsewhere.
        """
        state, every, is_more = await self._read_part(channel, since, limit, reverse=reverse, is_client=is_client)
        epoch, until = state.position
        while is_more and every and not reverse and len(every) < limit and every[-1].offset < until:
            at, left = Position(epoch, every[-1].offset), limit - len(every)
            part = await self._read_part(channel, at, left, reverse=False, is_client=is_client)
            if part.state.position.epoch != epoch:
                return Found(part.state, [])
            every += [publication for publication in part.publications if publication.offset <= until]
            is_more = part.is_more
        return Found(state, every)

    async def read_all(self, channel: str, since: Position) -> Found:
        """Read what a client that says it stands at *since* has missed up to now."""
        return await self.read(channel, since, MANY, is_client=True)

    async def _read_part(
        self, channel: str, since: Position | None, limit: int, *, reverse: bool, is_client: bool
    ) -> Part:
        most = limit if reverse else min(limit, PART)
        options = {"reverse": reverse, "whole": is_client, "is_client": is_client}
        call = scripts.read_call(channel, since, most, **options, enough=0 if reverse else PART_BYTES)
        entries = scripts.parse_entries(await self.shards.run(channel, call))
        return Part(entries.state, await decoded(channel, entries), len(entries.entries) == most or is_cut(entries))

    async def check(self, positions: Sequence[tuple[str, Position]]) -> AsyncIterator[tuple[str, StreamState | None]]:
        """Ask where many channels stand, in a round trip for each shard and `CHECK_BATCH`; None: Redis did not say."""
        by_shard: dict[int, list[tuple[str, Position]]] = {}
        for channel, position in positions:
            by_shard.setdefault(self.shards.of(channel), []).append((channel, position))
        for shard, known in by_shard.items():
            for start in range(0, len(known), CHECK_BATCH):
                batch = known[start : start + CHECK_BATCH]
                for (channel, _), state in zip(batch, await self._states(shard, batch), strict=True):
                    yield channel, state

    async def _states(self, shard: int, batch: list[tuple[str, Position]]) -> Sequence[StreamState | None]:
        try:
            return scripts.parse_states(await self.shards.run_on(shard, scripts.check_call(batch)))
        except (RedisUnavailable, RedisReplyError):
            return [None] * len(batch)


def is_cut(entries: scripts.Entries) -> bool:
    """Tell whether there may be more than was read, because it was enough."""
    return sum(len(body) for _, body in entries.entries) >= PART_BYTES


async def decoded(channel: str, entries: scripts.Entries) -> list[Publication]:
    """Decode what a stream holds; a lot of it, or large ones, not in one turn of the loop."""
    found: list[Publication] = []
    surplus = surplus_of(asyncio.get_running_loop())
    for start in range(0, len(entries.entries), DECODED_AT_ONCE):
        if surplus.is_turn_over():
            await surplus.turn()
        found += publications(channel, entries._replace(entries=entries.entries[start : start + DECODED_AT_ONCE]))
    return found
