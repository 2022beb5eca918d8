"""The streams in Redis, as the hub asks them: a position, what follows one, and where many channels stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from tandem import scripts
from tandem.async_shards import AsyncShards
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.publication import Position, Publication
from tandem.scripts import StreamState
from tandem.streams import publications

CHECK_BATCH = 500
PAGE = 300
"""How many publications one read of a recovery takes: Redis does nothing else meanwhile."""


class Found(NamedTuple):
    """What a stream holds after a position."""

    state: StreamState
    publications: list[Publication]


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
        Read at most *limit* publications after *since*.

        *is_client*: that is where a client says it stands; nothing if *since* is elsewhere.
        """
        call = scripts.read_call(channel, since, limit, reverse=reverse, whole=is_client, is_client=is_client)
        entries = scripts.parse_entries(await self.shards.run(channel, call))
        return Found(entries.state, publications(channel, entries))

    async def read_all(self, channel: str, since: Position) -> Found:
        """Read what a client that says it stands at *since* has missed up to now, `PAGE` publications at a time."""
        found = page = await self.read(channel, since, PAGE, is_client=True)
        (epoch, until), every = found.state.position, list(found.publications)
        while len(page.publications) == PAGE and every[-1].offset < until:
            page = await self.read(channel, Position(epoch, every[-1].offset), PAGE, is_client=True)
            if page.state.position.epoch != epoch:
                return Found(page.state, [])
            every += page.publications
        return Found(found.state, [publication for publication in every if publication.offset <= until])

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
