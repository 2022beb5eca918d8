"""
Ask every realtime process who is connected, for the live page: nothing is collected while nobody asks.

The question goes to a group of the channel layer; each process that hears it puts its answer into a list in Redis.
"""

from __future__ import annotations

import time
import uuid

import msgspec

from tandem.errors import RedisReplyError
from tandem.groups import layer_channel, publish_command, shard_for_group
from tandem.names import plain_key
from tandem.redis.slots import BUCKETS
from tandem.shards import shards

GROUP = "tandem.census"
REPLY_SECONDS = 10
WAIT_SECONDS = 1.0
LIMIT = 100


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. *search* is part of a user's or channel's name; *user* asks for that user's connections."""

    type: str = "census"
    reply_to: str
    search: str = ""
    user: str | None = None
    limit: int = LIMIT


class Crowd(msgspec.Struct, frozen=True):
    """A user with its connections, or a channel with its subscribers."""

    name: str
    count: int


class Client(msgspec.Struct, frozen=True):
    """One connection of a user."""

    client: str
    user: str
    channels: list[str]


class LogLine(msgspec.Struct, frozen=True):
    """A warning or an error that a process logged."""

    time: str
    level: str
    logger: str
    event: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One process: its totals, its largest crowds that match the search, and what it last complained of."""

    pod: str
    node: str
    is_draining: bool
    transports: dict[str, int]
    user_count: int
    channel_count: int
    users: list[Crowd]
    channels: list[Crowd]
    clients: list[Client]
    warnings: list[LogLine] = msgspec.field(name="troubles")  # as 0.1 calls it, beside which this runs for a while
    cpu_seconds: float = 0.0  # of the process since it began; a pod of 0.1 does not tell


def reply_key(name: str) -> str:
    """Return the key of the list for the answers to one question, on the shard that carries the questions."""
    return plain_key("census", name, bucket=shard_for_group(GROUP, BUCKETS))


def take_census(*, search: str = "", user: str | None = None, limit: int = LIMIT) -> list[Answer]:
    """
    Return the answer of every process that gives one within a second.

    Raises `RedisUnavailable` or `RedisReplyError`.
    """
    question = Question(reply_to=reply_key(uuid.uuid4().hex), search=search, user=user, limit=limit)
    store = shards()
    shard = shard_for_group(GROUP, store.count)
    body = msgspec.msgpack.encode(question)
    [expected] = store.commands(shard, [publish_command(layer_channel(GROUP), body)])
    if isinstance(expected, RedisReplyError):
        raise expected
    answers: list[Answer] = []
    ends = time.monotonic() + WAIT_SECONDS
    while len(answers) < expected and time.monotonic() < ends:
        [reply] = store.commands(shard, [["BLPOP", question.reply_to, "0.1"]])
        if isinstance(reply, RedisReplyError):
            raise reply
        if reply is not None:
            answers.append(msgspec.json.decode(reply[1], type=Answer))
    return sorted(answers, key=lambda answer: (answer.pod, answer.node))
