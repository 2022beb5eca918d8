"""The Lua scripts: what each is called with and what its reply means. No I/O here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from tandem import conf
from tandem.groups import group_for, layer_channel
from tandem.names import boot_keys, key_of, publishing_keys
from tandem.namespaces import Namespace
from tandem.publication import Position
from tandem.redis.run import UNKNOWN, Run

ONCE_TTL_SECONDS = 300


class Script(NamedTuple):
    """A Lua script and the digest that EVALSHA wants."""

    source: str
    sha: str
    name: str
    asks_run: bool = False
    """Whether it compares the run of the Redis that it is in with the one that it remembers."""


class Call(NamedTuple):
    """One run of a script: keys and arguments as EVALSHA takes them."""

    script: Script
    keys: Sequence[str]
    args: Sequence[str | bytes | int]

    def evalsha(self, run: Run = UNKNOWN) -> tuple[str | bytes | int, ...]:
        """Return the command for a server that knows the script, over a connection to *run*."""
        script, keys, args = self
        if script.asks_run:
            return ("EVALSHA", script.sha, len(keys), *keys, *args, run.id, int(run.keeps))
        return ("EVALSHA", script.sha, len(keys), *keys, *args)

    def eval(self, run: Run = UNKNOWN) -> tuple[str | bytes | int, ...]:
        """Return the command for a server that does not."""
        return ("EVAL", self.script.source, *self.evalsha(run)[2:])


class Published(NamedTuple):
    """
    The answer of a publish.

    Nothing was published when it `is_repeat`, of an idempotency key, or `is_outdated`, of a version.
    """

    position: Position
    is_repeat: bool
    is_outdated: bool = False


class PublishedBatch(msgspec.Struct, frozen=True):
    """
    The answer of a batch: of each that went, in order, whether it was a repeat (0 or 1), and why the next did not go.

    The refusal is empty when all of it went.
    """

    are_repeats: list[int]
    refusal: str


class StreamState(NamedTuple):
    """Where a stream stands, and the position at which its epoch took over from an earlier one."""

    position: Position
    previous: Position | None
    is_first: bool = False
    """Nothing was published before: the previous epoch had none, and is only older."""

    def continues(self, since: Position) -> bool:
        """Tell whether a reader at *since* stands in this stream."""
        if since.epoch == self.position.epoch:
            return since.offset <= self.position.offset
        return self.previous is not None and since.epoch == self.previous.epoch and since.offset <= self.previous.offset


class Entries(NamedTuple):
    """Part of a stream: its state, whether the reader's position continues in it, offsets and bodies."""

    state: StreamState
    continues: bool
    entries: list[tuple[int, bytes]]


ALL: list[Script] = []
"""Every script."""


def load(name: str, *, prelude: str = "") -> Script:
    """Read ``<name>.lua`` of this folder, behind *prelude*."""
    source = prelude + _read(name)
    sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    script = Script(source, sha, name, asks_run=prelude.startswith(INCARNATION))
    ALL.append(script)
    return script


def _read(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text("utf-8")


INCARNATION = _read("incarnation")
_META = INCARNATION + _read("meta")
TELL = _read("tell")
_APPEND = _META + TELL + _read("append")
PUBLISH = load("publish", prelude=_APPEND)
PUBLISH_BATCH = load("publish_batch", prelude=_APPEND)
RENEW = load("renew", prelude=_META)
FORGET = load("forget")
READ = load("read", prelude=_META)
CHECK = load("check", prelude=_META)
REMOVE = load("remove")


def meta_key(channel: str) -> str:
    """Return the key of the hash that holds a channel's epoch and last offset."""
    return key_of("meta", channel)


def stream_key(channel: str) -> str:
    """Return the key of the Redis stream that holds a channel's recent publications."""
    return key_of("stream", channel)


def fresh_epoch() -> str:
    """Make an epoch: random, never seen before."""
    return os.urandom(6).hex()


def publish_call(
    channel: str,
    namespace: Namespace,
    body: bytes,
    *,
    once: str | None,
    keep: bool = True,
    version: int = 0,
    version_epoch: str = "",
) -> Call:
    """
    Publish *body*; *once* is the idempotency key, *keep* false skips the history.

    With a *version* (0 for none) only if none as late was published with the same *version_epoch*.
    """
    keys = publishing_keys(channel, [once] if once else [])
    size = namespace.history_size if keep else 0
    group = layer_channel(group_for(channel))
    ttls = (namespace.history_ttl, _meta_ttl(namespace), ONCE_TTL_SECONDS)
    which = f"{version:020}" if version else "", version_epoch
    return Call(PUBLISH, keys, (fresh_epoch(), group, body, size, *ttls, *which))


def publish_batch_call(channel: str, namespace: Namespace, bodies: Mapping[str, bytes], *, once_ttl: int) -> Call:
    """Publish *bodies*, each under its idempotency key, in order and up to the first that is refused."""
    group = layer_channel(group_for(channel))
    ttl, meta_ttl = namespace.history_ttl, _meta_ttl(namespace)
    options: list[str | bytes | int] = [fresh_epoch(), group, namespace.history_size, ttl, meta_ttl, once_ttl]
    return Call(PUBLISH_BATCH, publishing_keys(channel, bodies), [*options, *bodies.values()])


def parse_published_batch(reply: Any) -> PublishedBatch:
    """Read the reply of a batch."""
    refusal, *are_repeats = reply
    return PublishedBatch(are_repeats, _text(refusal) if refusal else "")


def renew_call(channel: str) -> Call:
    """Begin a new epoch of the stream, so that nobody takes what is missing for a whole."""
    return Call(RENEW, _keys(channel), (fresh_epoch(), conf.settings().position_seconds))


def forget_call(channel: str, once: Sequence[str]) -> Call:
    """Let the idempotency keys *once* go in a while, when nothing that was sent under them can still be on its way."""
    return Call(FORGET, once_keys(channel, once), (ONCE_TTL_SECONDS,))


def once_keys(channel: str, keys: Iterable[str]) -> list[str]:
    """Return where Redis keeps, for each of *keys*, that it was seen in *channel*."""
    beginning = key_of("once", channel)
    return [f"{beginning}:{key}" for key in keys]


def _keys(channel: str) -> Sequence[str]:
    return (meta_key(channel), stream_key(channel), *boot_keys(channel))


def _meta_ttl(namespace: Namespace) -> int:
    return namespace.history_ttl + conf.settings().position_seconds


def parse_published(reply: Any) -> Published:
    """Read the reply of a publish."""
    epoch, offset, why_not = reply
    return Published(Position(_text(epoch), offset), why_not == 1, why_not == 2)


def read_call(
    channel: str,
    since: Position | None,
    limit: int,
    *,
    reverse: bool = False,
    whole: bool = False,
    is_client: bool = False,
    enough: int = 0,
) -> Call:
    """
    Read at most *limit* publications after *since*; *whole*: none unless the stream goes on from there.

    No more come when those that were read have *enough* bytes; 0: all. Redis does nothing else while it reads.
    Where a client says that it stands (*is_client*) is not proof enough to start the present epoch over.
    """
    epoch, offset = since or Position("", 0)
    args = (
        fresh_epoch(),
        conf.settings().position_seconds,
        epoch,
        offset,
        limit,
        int(reverse),
        int(whole),
        int(is_client),
        enough,
    )
    return Call(READ, _keys(channel), args)


def parse_entries(reply: Any) -> Entries:
    """Read the reply of a read."""
    epoch, offset, previous, taken_over, continues, entries = reply
    found = [(int(entry_id.split(b"-")[0]), fields[1]) for entry_id, fields in entries]
    return Entries(_state(epoch, offset, previous, taken_over), bool(continues), found)


def remove_call(channel: str) -> Call:
    """Forget the publications of a stream, but not its position."""
    return Call(REMOVE, (stream_key(channel),), ())


def check_call(positions: Sequence[tuple[str, Position]]) -> Call:
    """Ask where the stream of each channel stands, telling where we believe it stands."""
    keys = [key for channel, _ in positions for key in (meta_key(channel), stream_key(channel))]
    args = [value for _, position in positions for value in position]
    keys += boot_keys(positions[0][0]) if positions else ()
    return Call(CHECK, keys, (fresh_epoch(), conf.settings().position_seconds, *args))


def parse_states(reply: Any) -> list[StreamState]:
    """Read the reply of a position check."""
    return [_state(*item) for item in reply]


def _state(epoch: bytes, offset: int, previous: bytes, taken_over: int) -> StreamState:
    before = Position(_text(previous), max(0, taken_over)) if previous else None
    return StreamState(Position(_text(epoch), offset), before, taken_over < 0)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
