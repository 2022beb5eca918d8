"""What was tried and what came of it, as values. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from tandem.redis.cures import cure_of
from tandem.redis.run import OLDEST, is_too_old
from tandem.redis.slots import SlotMap

SKEW_NOTED_SECONDS = 1.0
SKEW_SECONDS = 30.0  # what a token's times may be off

Level = Literal["ok", "note", "wrong"]


class Finding(NamedTuple):
    """One thing that was tried. `cure` says what to do, where there is something."""

    level: Level
    text: str
    cure: str = ""


def judge_version(text: str) -> Finding:
    """Judge the version of a Redis."""
    if is_too_old(text):
        least = ".".join(map(str, OLDEST))
        return Finding("wrong", f"its version is {text}", f"Run Redis {least} or newer, or Valkey.")
    return Finding("ok", f"its version is {text}")


def judge_slots(label: str, slots: SlotMap) -> Finding:
    """Judge what a cluster says of its masters."""
    if homeless := slots.masters.count(None):
        text = f"{label} has no master for {homeless} of {len(slots.masters)} buckets of channels"
        return Finding("wrong", text, f"{cure_of('no master for').capitalize()}.")
    return Finding("ok", f"{label} has {len(slots.nodes)} masters, and one for every slot")


def judge_policy(config: Mapping[str, Any]) -> Finding:
    """Judge what happens when its memory is full."""
    policy, limit = config.get("maxmemory-policy"), config.get("maxmemory", "0")
    if policy is None:
        return Finding("note", "it does not tell its maxmemory-policy", "Make sure that it is noeviction.")
    if policy == "noeviction":
        return Finding("ok", "nothing is evicted when its memory is full (noeviction)")
    level: Level = "note" if str(limit) == "0" else "wrong"
    text = f"when its memory is full it throws positions and presence away (maxmemory-policy {policy})"
    return Finding(level, text, "Set maxmemory-policy to noeviction, or give Tandem a Redis of its own.")


def judge_persistence(config: Mapping[str, Any]) -> Finding:
    """Judge what a restart keeps: everything or nothing is honest."""
    if "appendonly" not in config:
        cure = "Make sure that it keeps either everything (appendfsync always) or nothing."
        return Finding("note", "it does not tell how it persists", cure)
    if config["appendonly"] == "yes" and config.get("appendfsync") == "always":
        return Finding("ok", "it keeps every write (appendfsync always): a restart loses nothing")
    if config["appendonly"] == "no" and not config.get("save"):
        return Finding("ok", "it keeps nothing: after a restart every channel begins anew, and clients reload")
    text = "it keeps a part of what was written: after a restart every channel begins anew all the same"
    return Finding("note", text, "Set appendonly yes and appendfsync always, or appendonly no and save ''.")


def judge_clock(seconds: float) -> Finding:
    """Judge how far this machine's clock is ahead of Redis's."""
    text = f"this clock is {abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'} Redis's"
    cure = "Keep both clocks with NTP: tokens are made by this one and judged by that one."
    if abs(seconds) >= SKEW_SECONDS:
        return Finding("wrong", text, cure)
    if abs(seconds) >= SKEW_NOTED_SECONDS:
        return Finding("note", text, cure)
    return Finding("ok", "this clock and Redis's agree")


def judge_handshake(status: int) -> Finding:
    """Judge the answer to a WebSocket handshake at ``/ws/``."""
    if status == 101:
        return Finding("ok", "/ws/ opens a WebSocket")
    cures = {
        400: "Have the edge pass the headers Upgrade and Connection, in HTTP/1.1.",
        403: "Add the pages' origin to TANDEM['allowed_origins'], where realtime runs.",
        404: "Have the edge send /ws to realtime: no other service has that path.",
        426: "Have the edge pass the headers Upgrade and Connection, in HTTP/1.1.",
        429: "Too many come from one address. Is realtime behind a proxy? Then TANDEM['trusted_proxies'] names it.",
        502: "The edge finds no realtime: is it running, and is that its address?",
        503: "Realtime takes nobody now: its connections are all used, or it is about to stop.",
    }
    cure = cures.get(status, "Have the edge send /ws to realtime, with the headers Upgrade and Connection.")
    return Finding("wrong", f"/ws/ answers {status} to a WebSocket handshake", cure)


def judge_connect(message: Mapping[str, Any]) -> Finding:
    """Judge what realtime says to a token that was made here."""
    if "connect" in message:
        return Finding("ok", "realtime takes a token that was made here: both have the same keys")
    code = message.get("push", {}).get("disconnect", {}).get("code") or message.get("error", {}).get("code")
    if code in (3500, 101):
        cure = "Give both sides the same TANDEM_TOKEN_KEYS, or the same SECRET_KEY."
        return Finding("wrong", "realtime refuses a token that was made here: the keys differ", cure)
    if code == 109:
        return Finding("wrong", "realtime takes a fresh token for an old one", "Keep the clocks with NTP.")
    return Finding("wrong", f"realtime does not connect: it answers {dict(message)}", "Look at its log.")
