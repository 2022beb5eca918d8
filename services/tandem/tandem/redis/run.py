"""Which run of a Redis a connection leads to: a restart and a failover make another one. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tandem.redis.commands import Command

QUESTIONS: tuple[Command, ...] = (("INFO", "server"), ("INFO", "replication"), ("CONFIG", "GET", "append*"))
"""What is asked at the beginning of a connection. Any of it may be forbidden."""

REPLICA = "READONLY it is a replica, which takes no writes"
CLUSTER = "Redis in cluster mode is not spoken yet"
OLDEST = (6, 2)
"""The first version with GETDEL, by which a ticket is taken."""
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


def read_greeting(server: Any, replication: Any, config: Any = None) -> Greeted:
    """
    Read the answers to `QUESTIONS`; an error in the place of one says nothing.

    Only ``appendonly yes`` with ``appendfsync always`` keeps every write, and a replica that became the master may lack
    the last ones even so.
    """
    about, role, options = _lines(server), _lines(replication), _pairs(config)
    was_promoted = role.get("master_replid2", _NO_ID) != _NO_ID
    keeps = options.get("appendonly") == "yes" and options.get("appendfsync") == "always" and not was_promoted
    return Greeted(Run(about.get("run_id", ""), keeps), _refusal(about, role))


def is_too_old(version: str) -> bool:
    """Tell whether Redis of that *version* lacks what we need. Valkey says which Redis it is like."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return bool(numbers) and numbers < OLDEST


def _refusal(about: Mapping[str, str], role: Mapping[str, str]) -> str:
    version = about.get("redis_version", "")
    if is_too_old(version):
        return f"its version is {version}"
    if about.get("redis_mode") == "cluster":
        return f"it is a node of a cluster: {CLUSTER}"
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
