"""The ways to a Redis: Unix socket, TLS, Sentinel; and a link that must not hammer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rig.proxy import Proxy
from rig.redis_program import need_tls
from rig.secured import make_certificate
from rig.servers import RedisServer, Server, find_redis, free_port
from tandem.errors import RedisUnavailable
from tandem.redis import Address, RedisClient


async def ping(address: str | Address) -> object:
    """Return what a fresh client's PING brings."""
    client = RedisClient(address)
    try:
        return await client.execute("PING")
    finally:
        await client.close()


async def test_unix_socket(tmp_path: Path) -> None:
    """A unix:// URL is a path."""
    path = tmp_path / "redis.sock"
    with RedisServer(tmp_path, "--unixsocket", str(path)):
        assert await ping(f"unix://{path}?db=1") == b"PONG"


async def test_tls(tmp_path: Path) -> None:
    """A rediss:// URL checks the server's certificate against the given authority, and its name."""
    need_tls()
    key, certificate = make_certificate(tmp_path)
    options = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    with RedisServer(tmp_path, "--tls-port", str(port := free_port()), *options):
        assert await ping(f"rediss://localhost:{port}?ssl_ca_certs={certificate}") == b"PONG"
        with pytest.raises(RedisUnavailable, match="certificate verify failed"):
            await ping(f"rediss://localhost:{port}")
        with pytest.raises(RedisUnavailable, match="IP address mismatch"):
            await ping(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}")


async def test_sentinel(own_redis: RedisServer, tmp_path: Path) -> None:
    """The master is asked for by name at every connect."""
    port = free_port()
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {own_redis.port} 1\n")
    with Server([find_redis(), str(config), "--sentinel"], port):
        assert await ping(Address(sentinels=(("127.0.0.1", port),), master_name="main")) == b"PONG"
        with pytest.raises(RedisUnavailable, match="No master found"):
            await ping(Address(sentinels=(("127.0.0.1", port),), master_name="other"))


async def test_user_without_rights_to_client_and_ping(own_redis: RedisServer) -> None:
    """The greeting asks for no more rights than the commands that follow."""
    admin = RedisClient(own_redis.url)
    await admin.execute("ACL", "SETUSER", "ann", "on", ">secret", "~*", "&*", "+get")
    await admin.close()
    client = RedisClient(f"redis://ann:secret@127.0.0.1:{own_redis.port}")

    assert await client.execute("GET", "a") is None
    await client.close()


async def test_redis_that_closes_what_it_accepts_is_not_hammered(redis_url: str, proxy: Proxy) -> None:
    """Lost as soon as it is up, again and again: the attempts slow down and commands fail."""
    client = RedisClient(proxy.url)
    failures = 0
    async with asyncio.timeout(5):
        while failures < 3:
            try:
                await client.execute("PING")
            except RedisUnavailable:
                failures += 1
            proxy.cut()
            await asyncio.sleep(0)
    started, accepted = asyncio.get_running_loop().time(), proxy.accepted
    while asyncio.get_running_loop().time() < started + 1:
        proxy.cut()
        await asyncio.sleep(0.001)

    assert proxy.accepted - accepted < 20
    await client.close()
