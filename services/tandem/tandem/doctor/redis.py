"""Try a Redis: is it there, what does it do when it is full or restarts, what time is it there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import redis

from tandem.cluster_shards import ask_slots
from tandem.connecting import pool_of
from tandem.doctor.findings import Finding, judge_clock, judge_persistence, judge_policy, judge_slots, judge_version
from tandem.redis.address import Address
from tandem.redis.clustered import is_clustered, read_clustered
from tandem.redis.cures import cure_of
from tandem.redis.slots import Node, SlotMap
from tandem.rights import rights_commands

TIMEOUT_SECONDS = 2.0


def try_redis(url: str) -> Iterator[Finding]:
    """Tell what is found at *url*: in a cluster, at each of its masters."""
    if is_clustered(url):
        yield from _try_cluster(url)
    else:
        yield from _try_one(url, Address.from_url(url), None)


def _try_cluster(url: str) -> Iterator[Finding]:
    address, slots = Address.from_url(url), SlotMap()
    findings: list[Finding] = []
    for node in read_clustered(url).nodes:
        try:
            slots.take(ask_slots(url, node, TIMEOUT_SECONDS), node)
        except (redis.RedisError, OSError) as error:
            text = f"a node of {address.label} does not answer, {node.host}:{node.port}: {error}"
            findings.append(Finding("wrong", text, _cure(error, is_tls=address.tls is not None)))
        else:
            break
    if not slots.nodes and findings:
        yield from findings
        return
    yield from (finding._replace(level="note") for finding in findings)
    yield judge_slots(address.label, slots)
    for node in slots.nodes:
        yield from _try_one(url, address.at(node), node)


def _try_one(url: str, address: Address, node: Node | None) -> Iterator[Finding]:
    label, is_tls = address.label, address.tls is not None
    tries = rights_commands()
    pool = pool_of(url, connect_seconds=TIMEOUT_SECONDS, reply_seconds=TIMEOUT_SECONDS, tries=tries, node=node)
    with redis.Redis(connection_pool=pool) as client:
        try:
            started = time.time()
            seconds, micros = client.time()
            here = (started + time.time()) / 2
            version = client.info("server")["redis_version"]
        except redis.RedisError as error:
            where = " where the cluster says that a node of it is" * (node is not None)
            yield Finding(
                "wrong", f"Redis at {label} does not answer: {error}", _cure(error, is_tls=is_tls, more=where)
            )
            return
        yield Finding("ok", f"Redis at {label} answers")
        yield judge_version(version)
        config = _config(client)
        yield judge_policy(config)
        yield judge_persistence(config)
        yield judge_clock(here - seconds - micros / 1e6)


def _config(client: redis.Redis) -> dict[str, str]:
    found: dict[str, str] = {}
    for pattern in ("maxmemory*", "append*", "save"):
        try:
            # Bytes or texts, as the address says.
            for name, value in client.config_get(pattern).items():
                found[_text(name)] = _text(value)
        except redis.ResponseError:  # where somebody else runs it, CONFIG is often forbidden
            continue
    return found


def _text(value: bytes | str | None) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _cure(error: Exception, *, is_tls: bool, more: str = "") -> str:
    said = f"NOPERM {error}" if isinstance(error, redis.exceptions.NoPermissionError) else str(error)
    cure = cure_of(said, is_tls=is_tls) or cure_of(more)
    cure = cure or "is it running, and is TANDEM_REDIS_URLS its address, seen from here?"
    return cure[0].upper() + cure[1:] + ("" if cure.endswith("?") else ".")
