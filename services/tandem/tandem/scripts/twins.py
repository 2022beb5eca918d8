"""
What each Lua script of this folder does, in Python: one function for each script, of the same name, line by line.

They run in the memory backend. Whoever changes a script changes its twin: a test runs both and compares every reply.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from tandem.errors import RedisReplyError

Redis: TypeAlias = Callable[..., Any]
"""``redis.call``."""
Twin: TypeAlias = Callable[[Redis, Sequence[bytes], Sequence[bytes]], Any]
State: TypeAlias = list[Any]
"""
What meta.lua passes around: epoch, offset, previous epoch or None, offset of the takeover, and whether nothing was
published in the previous epoch.
"""

HALF_A_DAY = 43_200


def publish(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Publish one, unless it is of a version that is outdated."""
    fresh, group, body, size, ttl, meta_ttl, once_ttl, version, version_epoch, *_ = args
    here = _Here(keys, args)
    if version:
        epoch, offset, *_ = _open_stream(redis, here, keys[0], keys[1], fresh)
        last, last_epoch = redis("HMGET", keys[0], "v", "ve")
        if last is not None and last_epoch == version_epoch and version <= last:
            return [epoch, offset, 2]
    once = keys[2] if len(keys) > 4 else None
    done = _append(redis, here, keys[0], keys[1], once, [fresh, group, size, ttl, meta_ttl, once_ttl], body)
    if version:
        redis("HSET", keys[0], "v", version, "ve", version_epoch)
    return done


def publish_batch(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Publish several to one channel, in order, and stop at the first that is refused."""
    done: list[Any] = [b""]
    here = _Here(keys, args)
    for once, body in zip(keys[2:-2], args[6:-2], strict=True):
        try:
            done.append(_append(redis, here, keys[0], keys[1], once, args[:6], body)[2])
        except RedisReplyError as error:
            if len(done) == 1:
                raise
            done[0] = str(error).encode()
            break
    return done


def renew(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Begin a new epoch."""
    incarnation = _incarnation_of(redis, _Here(keys, args), args[0])
    return _start_over(redis, keys[0], keys[1], args[0], incarnation, int(args[1]))[0]


def forget(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Let idempotency keys go soon."""
    for key in keys:
        redis("EXPIRE", key, args[0])
    return len(keys)


def read(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Read a stream from a position."""
    fresh, ttl, since_epoch, since, limit = args[0], int(args[1]), args[2], int(args[3]), int(args[4])
    here, is_client = _Here(keys, args), args[7] == b"1"
    state, _ = _open_for_reader(redis, here, keys[0], keys[1], fresh, ttl, since_epoch, since, is_client=is_client)
    epoch, offset, previous, taken_over, is_first = state
    continues = (since_epoch == epoch and since <= offset) or (since_epoch == previous and since <= taken_over)
    entries = []
    if limit > 0 and (args[6] != b"1" or continues):
        if args[5] == b"1":
            start = f"({since}-0" if since_epoch or since > 0 else "+"
            if start != "(0-0":
                entries = _some(redis, ("XREVRANGE", keys[1], start, "-"), limit, int(args[8]))
        else:
            entries = _some(redis, ("XRANGE", keys[1], f"{since + 1}-0", "+"), limit, int(args[8]))
    return [epoch, offset, previous or b"", -1 if is_first else taken_over, int(continues), entries]


def _some(redis: Redis, command: Sequence[Any], limit: int, most: int) -> list[Any]:
    """Return what *command* finds, in the parts in which the script asks for it."""
    found: list[Any] = []
    size, step = 0, 20
    entries = redis(*command, "COUNT", limit)
    while len(found) < limit:
        count = min(step, limit - len(found)) if most else limit
        part = entries[len(found) : len(found) + count]
        found += part
        size += sum(len(fields[1]) for _, fields in part)
        if len(part) < count or (most and size >= most):
            break
        step = max(20, int((most - size) / (size / len(found))))
    return found


def check(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Tell where the streams of many channels stand."""
    found, here = [], _Here(keys, args)
    for i in range(len(keys) // 2 - 1):
        meta, stream = keys[2 * i : 2 * i + 2]
        fresh = args[0] + b"%d" % (i + 1)
        epoch, offset = args[2 * i + 2 : 2 * i + 4]
        ttl = int(args[1])
        state, is_there = _open_for_reader(redis, here, meta, stream, fresh, ttl, epoch, int(offset), is_client=False)
        if is_there:
            _keep_meta(redis, meta, ttl)
        found.append([state[0], state[1], state[2] or b"", -1 if state[4] else state[3]])
    return found


def remove(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Forget the publications of a channel."""
    return redis("DEL", keys[0])


def revoke(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Keep that something which tokens say holds no more."""
    now = _now(redis) / 1000
    for old in redis("ZRANGEBYSCORE", keys[1], "-inf", now, "LIMIT", 0, 1000):
        redis("ZREM", keys[1], old)
        redis("HDEL", keys[0], old)
    for subject, generation, seconds in zip(args[::3], args[1::3], args[2::3], strict=True):
        score, before = redis("ZSCORE", keys[1], subject), redis("HGET", keys[0], subject)
        redis("HSET", keys[0], subject, max(int(generation), int(before or 0)))
        redis("ZADD", keys[1], max(now + float(seconds), float(score or 0)), subject)
    return redis("HLEN", keys[0])


def refill(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Leave a mark, or find it still there."""
    incarnation = _incarnation_of(redis, _Here(keys, args), args[2])
    found = redis("GET", keys[0])
    if args[0]:
        beginning = b"refilling " + incarnation + b" "
        if found is not None and found.startswith(beginning):
            return found
        redis("SET", keys[0], beginning + args[0])
        return beginning + args[0]
    if found == args[1]:
        redis("SET", keys[0], incarnation)
        found = incarnation
    return int(found == incarnation)


def revoked(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Read a page of what was revoked."""
    now = _now(redis) / 1000
    incarnation = _incarnation_of(redis, _Here(keys, args), args[3])
    found: list[Any] = [b"1" if redis("GET", keys[2]) == incarnation else b"0"]
    for subject in redis("ZRANGEBYSCORE", keys[1], args[0], "+inf", "LIMIT", args[1], args[2]):
        last = redis("ZSCORE", keys[1], subject)
        found += [subject, redis("HGET", keys[0], subject) or b"0", math.ceil(float(last) - now), last]
    return found


def presence_change(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Clients come into a channel and go out of it."""
    ttl = int(args[3])
    room = _Room(redis, keys, args[0].decode(), args[1], is_told=args[2] == b"1", now=_now(redis))
    done: list[Any] = []
    for hold, client, info, user in zip(args[4::4], args[5::4], args[6::4], args[7::4], strict=True):
        if hold == b"":
            done.append(room.enter(client, info, user, ttl))
        else:
            done.append(room.leave(client, info, user, int(hold)))
    for key in keys:
        redis("PEXPIRE", key, 2 * ttl)
    return done


class _Room:
    """A channel with those who are in it, at one moment."""

    def __init__(
        self, redis: Redis, keys: Sequence[bytes], channel: str, group: bytes, *, is_told: bool, now: int
    ) -> None:
        self._redis = redis
        self._infos, self._expiries, self._leaving, self._away = keys
        self._channel = channel
        self._group = group
        self._is_told = is_told
        self._now = now

    def enter(self, client: bytes, info: bytes, user: bytes, ttl: int) -> int:
        self._redis("HSET", self._infos, client, info)
        self._redis("ZADD", self._expiries, self._now + ttl, client)
        if self._take_place(user):
            return 0
        self._announce("join", info)
        return 1

    def leave(self, client: bytes, info: bytes, user: bytes, hold: int) -> int:
        if not self._redis("HEXISTS", self._infos, client):
            return 0
        self._redis("ZREM", self._expiries, client)
        if hold > 0 and self._is_told:
            self._redis("ZADD", self._leaving, self._now + hold, client)
            others = self._redis("HGET", self._away, user)
            self._redis("HSET", self._away, user, others + b" " + client if others is not None else client)
            return 0
        self._redis("HDEL", self._infos, client)
        self._announce("leave", info)
        return 1

    def _take_place(self, user: bytes) -> bool:
        waiting = self._redis("HGET", self._away, user) if user else None
        if waiting is None:
            return False
        is_taken, rest = False, []
        for other in waiting.split():
            due = self._redis("ZSCORE", self._leaving, other)
            if is_taken and due is not None:
                rest.append(other)
                continue
            info = self._redis("HGET", self._infos, other)
            self._redis("ZREM", self._leaving, other)
            self._redis("HDEL", self._infos, other)
            if due is not None and float(due) > self._now:
                is_taken = True
            elif info is not None:
                self._announce("leave", info)
        if rest:
            self._redis("HSET", self._away, user, b" ".join(rest))
        else:
            self._redis("HDEL", self._away, user)
        return is_taken

    def _announce(self, kind: str, info: bytes) -> None:
        if self._is_told:
            message = {"type": kind, "channel": self._channel, "info": info.decode()}
            self._redis("PUBLISH", self._group, msgspec.msgpack.encode(message))


def presence_keep(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """The clients of one process are still in a channel."""
    until = _now(redis) + int(args[0])
    for client, info in zip(args[1::2], args[2::2], strict=True):
        redis("HSET", keys[0], client, info)
        redis("ZADD", keys[1], until, client)
    for key in keys[:2]:
        redis("PEXPIRE", key, 2 * int(args[0]))
    return len(args)


def presence_read(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Who is in a channel."""
    here = [client for key in keys[1:3] for client in redis("ZRANGEBYSCORE", key, f"({_now(redis)}", "+inf")]
    infos = [(client, redis("HGET", keys[0], client)) for client in here]
    return [value for client, info in infos if info is not None for value in (client, info)]


def presence_sweep(redis: Redis, keys: Sequence[bytes], args: Sequence[bytes]) -> Any:
    """Let those go whose process died or whose leave was held back long enough."""
    now, gone = _now(redis), 0
    for key in keys[1:3]:
        for client in redis("ZRANGEBYSCORE", key, "-inf", now):
            info = redis("HGET", keys[0], client)
            redis("ZREM", key, client)
            redis("HDEL", keys[0], client)
            if info is not None:
                if key == keys[2]:
                    _forget_away(redis, keys[3], json.loads(info)["user"].encode(), client)
                if args[2] == b"1":
                    message = {"type": "leave", "channel": args[0].decode(), "info": info.decode()}
                    redis("PUBLISH", args[1], msgspec.msgpack.encode(message))
            gone += 1
    return gone


def _forget_away(redis: Redis, key: bytes, user: bytes, client: bytes) -> None:
    rest = [other for other in (redis("HGET", key, user) or b"").split() if other != client]
    if rest:
        redis("HSET", key, user, b" ".join(rest))
    else:
        redis("HDEL", key, user)


def _now(redis: Redis) -> int:
    seconds, micros = redis("TIME")
    return int(seconds) * 1000 + int(micros) // 1000


def _grown(body: bytes, **more: Any) -> bytes:
    """Return the msgpack map *body* with *more* at its end."""
    encode = msgspec.msgpack.encode
    pairs = b"".join(encode(name) + encode(_text(value)) for name, value in more.items())
    return bytes([body[0] + len(more)]) + body[1:] + pairs


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


# incarnation.lua


class _Here:
    """What incarnation.lua finds at the end of keys and arguments."""

    def __init__(self, keys: Sequence[bytes], args: Sequence[bytes]) -> None:
        self.boot, self.born = keys[-2:]
        self.run, self.kept = args[-2], args[-1] == b"1"


def _root_of(incarnation: bytes) -> bytes:
    return incarnation.partition(b".")[0]


def _incarnation_of(redis: Redis, here: _Here, fresh: bytes) -> bytes:
    run, before = redis("HMGET", here.boot, "run", "incarnation")
    if before is not None and (run == here.run or not here.run):
        return bytes(before)
    incarnation = _root_of(before) + b"." + fresh if before is not None and here.kept else fresh
    redis("HSET", here.boot, "run", here.run, "incarnation", incarnation)
    return incarnation


# meta.lua


def _append(
    redis: Redis, here: _Here, meta: bytes, stream: bytes, once: bytes | None, options: Sequence[bytes], body: bytes
) -> list[bytes | int]:
    fresh, group, size, ttl, meta_ttl, once_ttl = options
    if once:
        seen = redis("HMGET", once, "e", "o")
        if seen[0] is not None:
            return [seen[0], int(seen[1]), 1]
    epoch, offset, live = b"", 0, body
    if int(size) > 0:
        state = _open_stream(redis, here, meta, stream, fresh)
        epoch, offset = state[0], state[1] + 1
        redis("HSET", meta, "o", offset)
        redis("EXPIRE", meta, meta_ttl)
        redis("XADD", stream, "MAXLEN", int(size), f"{offset}-0", "b", body)
        redis("EXPIRE", stream, ttl)
        live = _grown(body, offset=offset, epoch=epoch)
    if once:
        redis("HSET", once, "e", epoch, "o", offset)
        redis("EXPIRE", once, once_ttl)
    redis("PUBLISH", group, live)
    return [epoch, offset, 0]


def _epoch_before_all(meta: bytes, incarnation: bytes, half: int) -> bytes:
    text = incarnation + b" %d " % half + meta
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()[:8].encode()


def _was_born(redis: Redis, here: _Here, name: bytes, half: int) -> bool:
    born = redis("ZSCORE", here.born, name)
    return born is not None and float(born) >= half - 1


def _start_over(redis: Redis, meta: bytes, stream: bytes, epoch: bytes, incarnation: bytes, ttl: int) -> State:
    redis("DEL", stream, meta)
    redis("HSET", meta, "e", epoch, "o", 0, "i", incarnation)
    redis("EXPIRE", meta, ttl)
    return [epoch, 0, None, 0, False]


def _look_up(
    redis: Redis, here: _Here, meta: bytes, stream: bytes, fresh: bytes, ttl: int
) -> tuple[State, bool, bytes, int]:
    """Return the state, whether there is a key, the incarnation and the half of the day."""
    incarnation = _incarnation_of(redis, here, fresh)
    epoch, offset, born_in, previous, taken_over, first = redis("HMGET", meta, "e", "o", "i", "pe", "po", "first")
    half = int(redis("TIME")[0]) // HALF_A_DAY
    if epoch is not None and born_in == incarnation:
        return [epoch, int(offset), previous, int(taken_over or 0), first is not None], True, incarnation, half
    if epoch is not None and born_in is not None and _root_of(born_in) == _root_of(incarnation):
        redis("HSET", meta, "e", fresh, "i", incarnation, "pe", epoch, "po", offset)
        redis("HDEL", meta, "first")
        return [fresh, int(offset), epoch, int(offset), False], True, incarnation, half
    if epoch is not None:
        redis("DEL", stream, meta)
    elif _was_born(redis, here, incarnation + meta, half) or redis("EXISTS", stream):
        return _start_over(redis, meta, stream, fresh, incarnation, ttl), True, incarnation, half
    before = _epoch_before_all(meta, incarnation, half - 1)
    return [_epoch_before_all(meta, incarnation, half), 0, before, 0, True], False, incarnation, half


def _open_stream(redis: Redis, here: _Here, meta: bytes, stream: bytes, fresh: bytes) -> State:
    state, is_there, incarnation, half = _look_up(redis, here, meta, stream, fresh, 2 * HALF_A_DAY)
    if not is_there:
        redis("ZADD", here.born, half, incarnation + meta)
        redis("ZREMRANGEBYSCORE", here.born, "-inf", half - 2)
        redis("EXPIRE", here.born, 3 * HALF_A_DAY)
        redis("HSET", meta, "e", state[0], "o", 0, "i", incarnation, "pe", state[2], "po", 0, "first", 1)
    return state


def _open_for_reader(
    redis: Redis,
    here: _Here,
    meta: bytes,
    stream: bytes,
    fresh: bytes,
    ttl: int,
    epoch: bytes,
    offset: int,
    *,
    is_client: bool,
) -> tuple[State, bool]:
    state, is_there, incarnation, _ = _look_up(redis, here, meta, stream, fresh, ttl)
    is_ahead = not is_client and epoch == state[0] and offset > state[1]
    if is_ahead or (not state[4] and epoch == state[2] and offset > state[3]):
        return _start_over(redis, meta, stream, fresh, incarnation, ttl), True
    return state, is_there


def _keep_meta(redis: Redis, meta: bytes, ttl: int) -> None:
    if redis("TTL", meta) < ttl / 2:
        redis("EXPIRE", meta, ttl)
