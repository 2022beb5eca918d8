"""Run the scripts from sync code: one pool of redis-py connections, and one breaker, for each Redis shard."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import redis

from tandem import scripts
from tandem.breaker import Breaker
from tandem.connecting import pool_of, read_reply, said_by_script
from tandem.errors import NOT_NOW, RedisReplyError, RedisUnavailable
from tandem.groups import shard_for
from tandem.redis.commands import Command as Sent
from tandem.redis.commands import pack
from tandem.redis.cures import with_cure
from tandem.redis.slots import Node
from tandem.rights import rights_commands

# So long waits who is served by somebody; then the breaker opens, and nobody waits any more.
TIMEOUT_SECONDS = 0.25

_MULTI, _EXEC = pack(("MULTI",)), pack(("EXEC",))

Command: TypeAlias = scripts.Call | Sequence[str | bytes | int | float]

_CODES = {
    redis.exceptions.OutOfMemoryError: "OOM",
    redis.exceptions.ReadOnlyError: "READONLY",
    redis.exceptions.NoPermissionError: "NOPERM",
    redis.exceptions.NoScriptError: "NOSCRIPT",
    redis.exceptions.ExecAbortError: "EXECABORT",
    redis.exceptions.TryAgainError: "TRYAGAIN",
    redis.exceptions.ClusterDownError: "CLUSTERDOWN",
    redis.exceptions.MasterDownError: "MASTERDOWN",
    redis.exceptions.BusyLoadingError: "LOADING",
    redis.exceptions.MovedError: "MOVED",
    redis.exceptions.AskError: "ASK",
}
"""The first word of a reply, which redis-py makes a type of."""


class Shards:
    """
    The Redis shards, for sync code. Safe to share between threads.

    *timeout* is how long to wait for a connection and for a reply, in seconds. A shard that took longer is away: every
    call raises `RedisUnavailable` at once until it answers again, which is tried once a second.
    """

    def __init__(self, urls: Sequence[str], *, timeout: float = TIMEOUT_SECONDS, node: Node | None = None) -> None:
        self.count = len(urls)
        self.clients = [_client(url, timeout, node, rights_commands()) for url in urls]
        self._are_tls = [url.startswith("rediss") for url in urls]
        self._breakers = [Breaker(partial(_probe, url, timeout, node)) for url in urls]

    def is_away(self, shard: int) -> bool:
        """Tell whether *shard* is known not to answer."""
        return self._breakers[shard].is_open

    def is_whole(self) -> bool:
        """Tell whether no shard is known to be away; where that has to be asked of each, no."""
        return True not in [breaker.is_open for breaker in self._breakers]

    def of(self, channel: str) -> int:
        """Return the shard of *channel*."""
        return shard_for(channel, self.count) if self.count > 1 else 0

    def run(self, channel: str, call: scripts.Call) -> Any:
        """
        Run one script on *channel*'s shard and return its reply.

        Raises `RedisUnavailable`, or `RedisReplyError` with what Redis said.
        """
        return self.run_on(self.of(channel), call)

    def run_on(self, shard: int, call: scripts.Call) -> Any:
        """Run one script on *shard* and return its reply. Raises as `run` does."""
        [reply] = self.commands(shard, [call])
        if isinstance(reply, RedisReplyError):
            raise reply
        return reply

    def run_many(self, calls: Sequence[tuple[str, scripts.Call]]) -> list[Any]:
        """
        Run scripts in one round trip for each shard. A refused call's reply is its `RedisReplyError`.

        Raises `RedisUnavailable` when a shard does not answer.
        """
        replies = self.run_each([(self.of(channel), call) for channel, call in calls])
        if away := next((reply for reply in replies if isinstance(reply, RedisUnavailable)), None):
            raise away
        return replies

    def run_each(self, calls: Sequence[tuple[int, scripts.Call]]) -> list[Any]:
        """
        Run scripts in one round trip for each shard, in their order. What failed has its error for a reply.

        That is a `RedisReplyError`, or `RedisUnavailable` for every call of a shard that does not answer.
        """
        by_shard: dict[int, list[int]] = {}
        for index, (shard, _) in enumerate(calls):
            by_shard.setdefault(shard, []).append(index)
        replies: list[Any] = [None] * len(calls)
        for shard, indexes in by_shard.items():
            try:
                answered = self.commands(shard, [calls[index][1] for index in indexes])
            except (RedisUnavailable, RedisReplyError) as error:
                answered = [error] * len(indexes)
            for index, reply in zip(indexes, answered, strict=True):
                replies[index] = reply
        return replies

    def commands(self, shard: int, commands: Sequence[Command]) -> list[Any]:
        """
        Send commands to *shard* in one round trip, loading the scripts first if it does not know them.

        Several scripts run in one transaction: where Redis forgets them in the middle, none overtakes another. The
        same one for a channel each does not: there is no order between channels.
        """
        replies = self._replies(shard, commands)
        for reply in replies:
            if isinstance(reply, RedisUnavailable):
                raise reply
        return replies

    def pools(self) -> list[redis.ConnectionPool]:
        """Return every pool of connections."""
        return [client.connection_pool for client in self.clients]

    @contextlib.contextmanager
    def hear(self, shard: int, name: str) -> Iterator[redis.client.PubSub]:
        """Hear what is published to *name* on *shard*. Raises what redis-py raises."""
        with self.clients[shard].pubsub() as heard:
            heard.subscribe(name)
            yield heard

    def _replies(self, shard: int, commands: Sequence[Command]) -> list[Any]:
        """Return the reply to each of *commands*, or the error in its place. Raises as `commands` does."""
        self._breakers[shard].check()
        try:
            replies = self._exchange(shard, commands)
            if not [reply for reply in replies if isinstance(reply, redis.RedisError)]:
                return replies
            self._cure(shard, commands, replies)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise RedisUnavailable(self._said(shard, error)) from error
        except redis.RedisError as error:
            raise _refusal(error) from error
        return [_refusal(reply) if isinstance(reply, redis.RedisError) else reply for reply in replies]

    def _cure(self, shard: int, commands: Sequence[Command], replies: list[Any]) -> None:
        """Send those of *commands* again whose refusal has a remedy."""
        if any(isinstance(reply, redis.exceptions.ReadOnlyError) for reply in replies):
            # A failover: what the name leads to now is another one.
            self.clients[shard].connection_pool.disconnect(inuse_connections=False)
            self._again(shard, commands, replies, redis.exceptions.ReadOnlyError)
        if any(isinstance(reply, redis.exceptions.ExecAbortError) for reply in replies):
            # One of them was refused before the transaction began; the others were not looked at.
            self._again(shard, commands, replies, redis.exceptions.ExecAbortError)
        if any(isinstance(reply, redis.exceptions.NoScriptError) for reply in replies):
            _load_scripts(self.clients[shard])
            self._again(shard, commands, replies, redis.exceptions.NoScriptError)

    def close(self) -> None:
        """Close every pooled connection."""
        for pool in self.pools():
            pool.disconnect()

    def _exchange(self, shard: int, commands: Sequence[Command]) -> list[Any]:
        pool, breaker = self.clients[shard].connection_pool, self._breakers[shard]
        try:
            connection = pool.get_connection()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            breaker.open(self._said(shard, error))
            raise
        try:
            return _send(connection, self._batches(commands))
        except redis.TimeoutError as error:
            breaker.open(str(error))
            pool.disconnect(inuse_connections=False)
            raise
        except BaseException:  # replies that nobody read are still to come
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def _said(self, shard: int, error: Exception) -> str:
        return with_cure(str(error), is_tls=self._are_tls[shard])

    def _batches(self, commands: Sequence[Command]) -> list[Sequence[Command]]:
        """Part *commands* into those that may be one transaction."""
        return [commands]

    def _again(self, shard: int, commands: Sequence[Command], replies: list[Any], refusal: type[Exception]) -> None:
        """Send those of *commands* again that got *refusal*, and put what comes in its place."""
        refused = [index for index, reply in enumerate(replies) if isinstance(reply, refusal)]
        for index, reply in zip(refused, self._exchange(shard, [commands[i] for i in refused]), strict=True):
            replies[index] = reply


def _client(url: str, timeout: float, node: Node | None, tries: Sequence[Sent] = ()) -> redis.Redis:
    pool = pool_of(url, connect_seconds=timeout, reply_seconds=timeout, tries=tries, node=node)
    return redis.Redis(connection_pool=pool)


def _probe(url: str, timeout: float, node: Node | None) -> None:
    client = _client(url, timeout, node)
    try:
        client.ping()
    finally:
        client.connection_pool.disconnect()


def _send(connection: Any, batches: Sequence[Sequence[Command]]) -> list[Any]:
    """Send *batches* over *connection* in one write, and return the reply to each command."""
    packed: list[bytes] = []
    are_one: list[bool] = []
    for batch in batches:
        are_one.append(is_one := len(batch) > 1 and _is_ordered(batch))
        if is_one:
            packed.append(_MULTI)
        for each in batch:
            packed.append(pack(each.evalsha(connection.run) if isinstance(each, scripts.Call) else tuple(each)))
        if is_one:
            packed.append(_EXEC)
    connection.send_packed_command([b"".join(packed)])
    replies: list[Any] = []
    for batch, is_one in zip(batches, are_one, strict=True):
        replies += _executed(connection, len(batch)) if is_one else [read_reply(connection) for _ in batch]
    return replies


def _is_ordered(batch: Sequence[Command]) -> bool:
    """Tell whether scripts of *batch* must not overtake each other: all but the same one, each for another channel."""
    calls = [each for each in batch if isinstance(each, scripts.Call)]
    if len(calls) < 2:
        return False
    channels = {tuple(call.keys[:1]) for call in calls}
    return len(channels) < len(calls) or len({call.script.name for call in calls}) > 1


def _executed(connection: Any, commands: int) -> list[Any]:
    """Read the replies to a transaction of so many *commands*."""
    _, *queued, executed = [read_reply(connection) for _ in range(commands + 2)]
    if isinstance(executed, list):
        return list(map(said_by_script, executed))
    return [each if isinstance(each, redis.RedisError) else executed for each in queued]


def _refusal(error: redis.RedisError) -> RedisUnavailable | RedisReplyError:
    code, text = _CODES.get(type(error)), str(error)
    if code and not text.startswith(code):
        text = f"{code} {text}"
    return RedisUnavailable(text) if text.partition(" ")[0] in NOT_NOW else RedisReplyError(text)


def _load_scripts(client: redis.Redis) -> None:
    for script in scripts.ALL:
        client.script_load(script.source)
