"""Which run of a Redis a connection leads to: a restart and a failover make another one. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tandem.redis.commands import Command

QUESTIONS: tuple[Command, ...] = (("INFO", "server"), ("INFO", "replication"), ("CONFIG", "GET", "append*"))
"""What is asked at the beginning of a connection. Any of it may be forbidden."""

REPLICA = "READONLY it is a replica, which takes no writes"
CLUSTER = "it is a node of a cluster"
NO_CLUSTER = "it is no cluster"
OLDEST = (6, 2)
"""The first version with GETDEL, by which a ticket is taken."""
OLDEST_CLUSTER = (7, 0)
"""The first version with sharded pub/sub."""
_NO_ID = "0" * 40


class Run(NamedTuple):
    """A process of a Redis: the id that it made at its start, and whether it has all that was written before."""

    id: str
    keeps: bool


UNKNOWN = Run("", False)
"""The run of a Redis that does not tell."""


class Greeted(NamedTuple):
    """What a Redis answered to `QUESTIONS`: its run, and why it cannot serve us; empty where it can."""

    run: Run
    refusal: str


def read_greeting(server: Any, replication: Any, config: Any = None, *, is_node: bool = False) -> Greeted:
    """
    Read the answers to `QUESTIONS`; an error in the place of one says nothing.

    Only ``appendonly yes`` with ``appendfsync always`` keeps every write, and a replica that became the master may lack
    the last ones even so. In a cluster (*is_node*) none counts as having everything: a slot may have come from one that
    had not.
    """
    about, role, options = _lines(server), _lines(replication), _pairs(config)
    was_promoted = role.get("master_replid2", _NO_ID) != _NO_ID
    is_whole = options.get("appendonly") == "yes" and options.get("appendfsync") == "always"
    keeps = is_whole and not was_promoted and not is_node
    return Greeted(Run(about.get("run_id", ""), keeps), _refusal(about, role, is_node=is_node))


def is_too_old(version: str, *, is_node: bool = False) -> bool:
    """Tell whether Redis of that *version* lacks what we need. Valkey says which Redis it is like."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return bool(numbers) and numbers < (OLDEST_CLUSTER if is_node else OLDEST)


def _refusal(about: Mapping[str, str], role: Mapping[str, str], *, is_node: bool) -> str:
    version, mode = about.get("redis_version", ""), about.get("redis_mode") or about.get("server_mode", "")  # Valkey's
    if mode and is_node != (mode == "cluster"):
        return NO_CLUSTER if is_node else CLUSTER
    if is_too_old(version, is_node=is_node):
        return f"its version is {version}" + ", without sharded pub/sub" * is_node
    return REPLICA if role.get("role") == "slave" else ""


def _lines(info: Any) -> dict[str, str]:
    if isinstance(info, bytes):
        info = info.decode(errors="replace")
    if not isinstance(info, str):
        return {}
    pairs = (line.partition(":") for line in info.splitlines())
    return {name: value for name, colon, value in pairs if colon}


def _pairs(config: Any) -> dict[str, str]:
    if isinstance(config, Mapping):
        return {_text(name): _text(value) for name, value in config.items()}
    if not isinstance(config, list):
        return {}
    return {_text(name): _text(value) for name, value in zip(config[::2], config[1::2], strict=False)}


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
