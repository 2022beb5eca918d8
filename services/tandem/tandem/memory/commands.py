"""The commands of Redis that Tandem uses, over a keyspace. Whoever calls them holds the store's lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from tandem.errors import RedisReplyError
from tandem.memory.keyspace import Hash, Keyspace, List, Set, SortedSet
from tandem.memory.stream import EntryId, Stream

Arguments: TypeAlias = Sequence[bytes]
Command: TypeAlias = Callable[[Keyspace, Arguments], Any]

COMMANDS: dict[bytes, Command] = {}

SYNTAX = "ERR syntax error"


def command(function: Command) -> Command:
    """Serve *function* under its name."""
    COMMANDS[function.__name__.strip("_").upper().encode()] = function
    return function


# Keys


@command
def ping(keys: Keyspace, args: Arguments) -> Any:
    return args[0] if args else b"PONG"


@command
def time(keys: Keyspace, args: Arguments) -> Any:
    micros = int(keys.clock() * 1_000_000)
    return [b"%d" % (micros // 1_000_000), b"%d" % (micros % 1_000_000)]


@command
def del_(keys: Keyspace, args: Arguments) -> Any:
    return sum(keys.delete(key) for key in args)


unlink = COMMANDS[b"UNLINK"] = del_


@command
def exists(keys: Keyspace, args: Arguments) -> Any:
    return sum(keys.has(key) for key in args)


@command
def expire(keys: Keyspace, args: Arguments) -> Any:
    return int(keys.expire(args[0], int(args[1])))


@command
def pexpire(keys: Keyspace, args: Arguments) -> Any:
    return int(keys.expire(args[0], int(args[1]) / 1000))


@command
def pttl(keys: Keyspace, args: Arguments) -> Any:
    if not keys.has(args[0]):
        return -2
    left = keys.seconds_left(args[0])
    return -1 if left is None else round(left * 1000)


@command
def ttl(keys: Keyspace, args: Arguments) -> Any:
    left: int = pttl(keys, args)
    return left if left < 0 else (left + 500) // 1000


# Texts


@command
def set_(keys: Keyspace, args: Arguments) -> Any:
    key, value, *rest = args
    options = [option.upper() for option in rest]
    if b"NX" in options and keys.has(key):
        return None
    keys.get(key, bytes) if b"GET" in options else None
    keys.set(key, value)
    for unit, seconds in ((b"EX", 1.0), (b"PX", 0.001)):
        if unit in options:
            keys.expire(key, int(options[options.index(unit) + 1]) * seconds)
    return b"OK"


@command
def get(keys: Keyspace, args: Arguments) -> Any:
    return keys.get(args[0], bytes)


@command
def mget(keys: Keyspace, args: Arguments) -> Any:
    return [keys.get(key, bytes) for key in args]


@command
def getdel(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], bytes)
    keys.delete(args[0])
    return value


@command
def incr(keys: Keyspace, args: Arguments) -> Any:
    return incrby(keys, [args[0], b"1"])


@command
def incrby(keys: Keyspace, args: Arguments) -> Any:
    left = keys.seconds_left(args[0]) if keys.has(args[0]) else None
    value = int(keys.get(args[0], bytes) or 0) + int(args[1])
    keys.set(args[0], b"%d" % value)
    if left is not None:
        keys.expire(args[0], left)
    return value


# Hashes


@command
def hset(keys: Keyspace, args: Arguments) -> Any:
    value = keys.open(args[0], Hash)
    before = len(value)
    value.update(zip(args[1::2], args[2::2], strict=True))
    return len(value) - before


@command
def hsetnx(keys: Keyspace, args: Arguments) -> Any:
    value = keys.open(args[0], Hash)
    if args[1] in value:
        return 0
    value[args[1]] = args[2]
    return 1


@command
def hincrby(keys: Keyspace, args: Arguments) -> Any:
    value = keys.open(args[0], Hash)
    total = int(value.get(args[1], b"0")) + int(args[2])
    value[args[1]] = b"%d" % total
    return total


@command
def hget(keys: Keyspace, args: Arguments) -> Any:
    return (keys.get(args[0], Hash) or Hash()).get(args[1])


@command
def hmget(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], Hash) or Hash()
    return [value.get(field) for field in args[1:]]


@command
def hgetall(keys: Keyspace, args: Arguments) -> Any:
    return [part for item in (keys.get(args[0], Hash) or Hash()).items() for part in item]


@command
def hlen(keys: Keyspace, args: Arguments) -> Any:
    return len(keys.get(args[0], Hash) or ())


@command
def hexists(keys: Keyspace, args: Arguments) -> Any:
    return int(args[1] in (keys.get(args[0], Hash) or Hash()))


@command
def hdel(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], Hash) or Hash()
    gone = sum(value.pop(field, None) is not None for field in args[1:])
    keys.tidy(args[0])
    return gone


# Sets


@command
def sadd(keys: Keyspace, args: Arguments) -> Any:
    value = keys.open(args[0], Set)
    before = len(value)
    value.update(args[1:])
    return len(value) - before


@command
def srem(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], Set) or Set()
    before = len(value)
    value.difference_update(args[1:])
    gone = before - len(value)
    keys.tidy(args[0])
    return gone


@command
def smembers(keys: Keyspace, args: Arguments) -> Any:
    return sorted(keys.get(args[0], Set) or ())


@command
def sismember(keys: Keyspace, args: Arguments) -> Any:
    return int(args[1] in (keys.get(args[0], Set) or ()))


@command
def scard(keys: Keyspace, args: Arguments) -> Any:
    return len(keys.get(args[0], Set) or ())


# Sorted sets


@command
def zadd(keys: Keyspace, args: Arguments) -> Any:
    value = keys.open(args[0], SortedSet)
    before = len(value)
    value.update({member: float(score) for score, member in zip(args[1::2], args[2::2], strict=True)})
    return len(value) - before


@command
def zrem(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], SortedSet) or SortedSet()
    gone = sum(value.pop(member, None) is not None for member in args[1:])
    keys.tidy(args[0])
    return gone


@command
def zcard(keys: Keyspace, args: Arguments) -> Any:
    return len(keys.get(args[0], SortedSet) or ())


@command
def zscore(keys: Keyspace, args: Arguments) -> Any:
    score = (keys.get(args[0], SortedSet) or SortedSet()).get(args[1])
    return None if score is None else b"%.17g" % score


@command
def zrangebyscore(keys: Keyspace, args: Arguments) -> Any:
    found = _in_range(keys, args)
    if len(args) > 3:
        if args[3].upper() != b"LIMIT":
            raise RedisReplyError(SYNTAX)
        start, count = int(args[4]), int(args[5])
        found = found[start:] if count < 0 else found[start : start + count]
    return found


@command
def zremrangebyscore(keys: Keyspace, args: Arguments) -> Any:
    return zrem(keys, [args[0], *found]) if (found := _in_range(keys, args)) else 0


def _in_range(keys: Keyspace, args: Arguments) -> list[bytes]:
    value = keys.get(args[0], SortedSet) or SortedSet()
    low, high = args[1], args[2]
    below = high.startswith(b"(")
    found = value.between(float(low.removeprefix(b"(")), float(high.removeprefix(b"(")), is_open=low.startswith(b"("))
    return [member for member in found if value[member] != float(high[1:])] if below else found


# Lists


@command
def rpush(keys: Keyspace, args: Arguments) -> Any:
    value = keys.open(args[0], List)
    value.extend(args[1:])
    return len(value)


@command
def lpop(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], List)
    if not value:
        return None
    first = value.pop(0)
    keys.tidy(args[0])
    return first


@command
def lrange(keys: Keyspace, args: Arguments) -> Any:
    value = keys.get(args[0], List) or List()
    start, stop = int(args[1]), int(args[2])
    return list(value[start:] if stop == -1 else value[start : stop + 1])


@command
def llen(keys: Keyspace, args: Arguments) -> Any:
    return len(keys.get(args[0], List) or ())


# Streams


@command
def xadd(keys: Keyspace, args: Arguments) -> Any:
    key, *rest = args
    length, threshold = None, None
    while rest[0].upper() in (b"MAXLEN", b"MINID", b"NOMKSTREAM"):
        option = rest.pop(0).upper()
        if rest[0] in (b"~", b"="):
            rest.pop(0)
        if option == b"MAXLEN":
            length = int(rest.pop(0))
        elif option == b"MINID":
            threshold = EntryId.parse(rest.pop(0), second=0)
    existed = keys.has(key)
    stream = keys.open(key, Stream)
    wanted, fields = rest[0], list(rest[1:])
    try:
        stream.add(stream.next_id(keys.clock()) if wanted == b"*" else EntryId.parse(wanted, second=0), fields)
    except RedisReplyError:
        if not existed:
            keys.delete(key)
        raise
    entry_id = bytes(stream.last)
    if length is not None:
        stream.trim(length)
    if threshold is not None:
        stream.trim_below(threshold)
    return entry_id


@command
def xlen(keys: Keyspace, args: Arguments) -> Any:
    stream = keys.get(args[0], Stream)
    return len(stream.ids) if stream else 0


@command
def xrange(keys: Keyspace, args: Arguments) -> Any:
    return _entries(keys, args[0], args[1], args[2], args[3:], is_reverse=False)


@command
def xrevrange(keys: Keyspace, args: Arguments) -> Any:
    return _entries(keys, args[0], args[2], args[1], args[3:], is_reverse=True)


def _entries(
    keys: Keyspace, key: bytes, low: bytes, high: bytes, rest: Arguments, *, is_reverse: bool
) -> list[list[Any]]:
    stream = keys.get(key, Stream)
    found = stream.between(low, high) if stream else []
    if is_reverse:
        found.reverse()
    if rest:
        found = found[: int(rest[1])]
    return [[entry_id, list(fields)] for entry_id, fields in found]
