"""Run the scripts from sync code: one pool of redis-py connections for each Redis shard."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tandem import conf, scripts
from tandem.errors import RedisReplyError, RedisUnavailable
from tandem.groups import shard_for

# Together below one second: a publish never hangs longer.
CONNECT_SECONDS = 0.25
REPLY_SECONDS = 0.7


class Shards:
    """The Redis shards, for sync code. Safe to share between threads."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.clients = [_client(url) for url in urls]

    def of(self, channel: str) -> int:
        """Return the shard of *channel*."""
        return shard_for(channel, len(self.clients))

    def run(self, channel: str, call: scripts.Call) -> Any:
        """
        Run one script on *channel*'s shard and return its reply.

        Raises `RedisUnavailable` within a second, or `RedisReplyError` with what Redis said.
        """
        return self.run_on(self.of(channel), call)

    def run_on(self, shard: int, call: scripts.Call) -> Any:
        """Run one script on *shard* and return its reply. Raises as `run` does."""
        [reply] = self.commands(shard, [call.evalsha()])
        if isinstance(reply, RedisReplyError):
            raise reply
        return reply

    def run_many(self, calls: Sequence[tuple[str, scripts.Call]]) -> list[Any]:
        """
        Run scripts in one round trip for each shard. A refused call's reply is its `RedisReplyError`.

        Raises `RedisUnavailable` within a second for each shard.
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
                answered = self.commands(shard, [calls[index][1].evalsha() for index in indexes])
            except (RedisUnavailable, RedisReplyError) as error:
                answered = [error] * len(indexes)
            for index, reply in zip(indexes, answered, strict=True):
                replies[index] = reply
        return replies

    def commands(self, shard: int, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        """Send commands to *shard* in one round trip, loading the scripts first if it does not know them."""
        client = self.clients[shard]
        try:
            replies = _send(client, commands)
            unknown = [i for i, reply in enumerate(replies) if isinstance(reply, redis.exceptions.NoScriptError)]
            if unknown:
                _load_scripts(client)
                for i, reply in zip(unknown, _send(client, [commands[i] for i in unknown]), strict=True):
                    replies[i] = reply
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise RedisUnavailable(str(error)) from error
        except redis.RedisError as error:
            raise RedisReplyError(str(error)) from error
        if loading := next((reply for reply in replies if isinstance(reply, redis.ConnectionError)), None):
            raise RedisUnavailable(str(loading))
        return [RedisReplyError(str(reply)) if isinstance(reply, redis.RedisError) else reply for reply in replies]

    def close(self) -> None:
        """Close every pooled connection."""
        for client in self.clients:
            client.close()


@cache
def _shards(urls: tuple[str, ...]) -> Shards:
    return Shards(urls)


_lock = threading.Lock()


def shards() -> Shards:
    """Return the process's shards, as the settings name them."""
    with _lock:
        return _shards(conf.redis_urls())


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=REPLY_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _send(client: redis.Redis, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
    if len(commands) == 1:
        try:
            return [client.execute_command(*commands[0])]
        except redis.ResponseError as error:
            return [error]
    pipeline = client.pipeline(transaction=False)
    for command in commands:
        pipeline.execute_command(*command)
    return list(pipeline.execute(raise_on_error=False))


def _load_scripts(client: redis.Redis) -> None:
    run_id = client.info("server")["run_id"]
    try:
        config = client.config_get("append*")
    except redis.ResponseError:
        config = {}
    client.execute_command(*scripts.boot_call(run_id, config).eval())
    for script in scripts.ALL:
        client.script_load(script.source)
