"""Try a Redis: is it there, what does it do when it is full or restarts, what time is it there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import redis

from tandem.connecting import pool_of
from tandem.doctor.findings import Finding, judge_clock, judge_persistence, judge_policy, judge_version
from tandem.groups import rights_commands
from tandem.redis.address import Address
from tandem.redis.cures import cure_of

PATIENCE_SECONDS = 2.0


def try_redis(url: str) -> Iterator[Finding]:
    """Tell what is found at *url*."""
    label = Address.from_url(url).label
    tries = rights_commands()
    pool = pool_of(url, connect_seconds=PATIENCE_SECONDS, reply_seconds=PATIENCE_SECONDS, tries=tries)
    with redis.Redis(connection_pool=pool) as client:
        try:
            started = time.time()
            seconds, micros = client.time()
            here = (started + time.time()) / 2
            version = client.info("server")["redis_version"]
        except redis.RedisError as error:
            yield Finding(
                "wrong", f"Redis at {label} does not answer: {error}", _cure(error, is_tls=url.startswith("rediss"))
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


def _cure(error: redis.RedisError, *, is_tls: bool) -> str:
    said = f"NOPERM {error}" if isinstance(error, redis.exceptions.NoPermissionError) else str(error)
    cure = cure_of(said, is_tls=is_tls) or "is it running, and is TANDEM_REDIS_URLS its address, seen from here?"
    return cure[0].upper() + cure[1:] + ("" if cure.endswith("?") else ".")
