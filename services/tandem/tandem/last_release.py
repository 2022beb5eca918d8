"""
What pods of 0.1 say and hear of control, while an upgrade has them beside those of this release. Goes with 0.3.

There it is a message to a group, and a log for who was away; here it is a channel. Messages are the builtins that they
are on the wire. No I/O here.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tandem import conf, scripts
from tandem.groups import layer_channel
from tandem.memory import is_memory
from tandem.redis.address import LAYER_PREFIX
from tandem.revocations import of_login
from tandem.scripts import Call

GROUP = "tandem.control"
LOG_KEY = "tandem:control"
LOG_LENGTH = 10_000
LOG_SECONDS = 900
"""So long a login that was ended stays ended there: as long as its tokens live."""

INVALID_TOKEN = (3500, "invalid token")
EXPIRED = (3005, "connection expired")

_TELL = scripts.load("control_of_0_1")
_SPEAKER = "by"
"""Who said it, which 0.1 reads over: what this release said it has heard from the channel already."""


def can_be_beside() -> bool:
    """Tell whether a pod of 0.1 could be at this Redis: it knows neither prefix nor cluster, and no other names."""
    settings = conf.settings()
    is_plain = not settings.redis_prefix and conf.layer_prefix() == LAYER_PREFIX and not conf.is_cluster()
    return is_plain and not any(map(is_memory, settings.redis_urls))


def calls_for(message: msgspec.Struct) -> list[Call]:
    """Return what has pods of 0.1 hear *message*, run on the shard of `GROUP`; nothing where there can be none."""
    if not can_be_beside():
        return []
    said = _as_before(msgspec.to_builtins(message, builtin_types=(bytes,)))
    bodies = (msgspec.msgpack.encode({"type": "control", _SPEAKER: "0.2", **each}) for each in said)
    return [Call(_TELL, (LOG_KEY,), (layer_channel(GROUP), body, LOG_LENGTH, LOG_SECONDS)) for body in bodies]


def heard(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a *message* to `GROUP` says, as this release would say it; nothing if this release did."""
    if _SPEAKER in message:
        return []
    said = [message]
    is_for_good = message.get("do") == "disconnect" and 3500 <= message.get("code", 0) < 4000
    if is_for_good and message.get("session") and not (message.get("client") or message.get("whitelist")):
        ended = {"subject": of_login(message["session"]), "generation": 1, "seconds": LOG_SECONDS}
        said.append({"do": "revoke", "revocations": [ended]})
    return said


def _as_before(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of 0.1 that come nearest to *message*."""
    match message["do"]:
        case "revoke":
            return [_ending(each["subject"]) for each in message["revocations"]]
        case "reread":
            return []
        case _:
            return [message]


def _ending(subject: str) -> dict[str, Any]:
    """Return what ends who lives on a *subject* of revocation. 0.1 does not tell one token of a user from another."""
    kind, _, name = subject.partition(" ")
    if kind == "channel":
        channel, _, user = name.partition(" ")
        return {"do": "unsubscribe", "channel": channel, "user": user}
    if kind == "login":
        whom, (code, reason) = {"session": name}, INVALID_TOKEN
    elif kind == "user":
        whom, (code, reason) = {"user": name}, INVALID_TOKEN
    else:
        whom, (code, reason) = {"user": name.partition(" ")[2] if kind == "token" else name}, EXPIRED
    return {"do": "disconnect", **whom, "code": code, "reason": reason}
