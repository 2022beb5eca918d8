"""Which run of a Redis a connection leads to: a restart and a failover make another one. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tandem.redis.commands import Command

QUESTIONS: tuple[Command, ...] = (("INFO", "server"), ("INFO", "replication"), ("CONFIG", "GET", "append*"))
"""What is asked at the beginning of a connection. Any of it may be forbidden."""

REPLICA = "READONLY it is a replica, which takes no writes: this address must lead to the master"
_NO_ID = "0" * 40


class Run(NamedTuple):
    """A process of a Redis: the id that it made at its start, and whether it has all that was written before."""

    id: str
    keeps: bool


UNKNOWN = Run("", False)
"""The run of a Redis that does not tell."""


class Greeted(NamedTuple):
    """What a Redis answered to `QUESTIONS`."""

    run: Run
    is_replica: bool
    version: str


def read_greeting(server: Any, replication: Any, config: Any = None) -> Greeted:
    """
    Read the answers to `QUESTIONS`; an error in the place of one says nothing.

    Only ``appendonly yes`` with ``appendfsync always`` keeps every write, and a replica that became the master may lack
    the last ones even so.
    """
    about, role, options = _lines(server), _lines(replication), _pairs(config)
    was_promoted = role.get("master_replid2", _NO_ID) != _NO_ID
    keeps = options.get("appendonly") == "yes" and options.get("appendfsync") == "always" and not was_promoted
    return Greeted(Run(about.get("run_id", ""), keeps), role.get("role") == "slave", about.get("redis_version", ""))


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
