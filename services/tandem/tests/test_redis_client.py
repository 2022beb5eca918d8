"""Commands to a real Redis: pipelining, errors, and what happens when Redis does not answer."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from rig.proxy import Proxy
from rig.servers import RedisServer
from tandem.errors import NoScriptError, RedisReplyError, RedisUnavailable
from tandem.redis import RedisClient
from tests.layers import until

OpenClient = Callable[[str], RedisClient]


@pytest_asyncio.fixture
async def open_client() -> AsyncIterator[OpenClient]:
    """Make clients that are closed after the test."""
    clients: list[RedisClient] = []

    def open_one(url: str) -> RedisClient:
        clients.append(RedisClient(url))
        return clients[-1]

    yield open_one
    for client in clients:
        await client.close()


async def succeed(call: Callable[[], Awaitable[object]], *, seconds: float = 5) -> object:
    """Repeat *call* until Redis answers."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await call()
            except RedisUnavailable:
                await asyncio.sleep(0.02)


async def test_replies_are_bytes(redis_url: str, open_client: OpenClient) -> None:
    """Text, bytes and numbers go in; bytes, integers and lists come out."""
    client = open_client(redis_url)

    assert await client.execute("SET", "a", "é") == b"OK"
    assert await client.execute("APPEND", b"a", 1) == 3
    assert await client.execute("MGET", "a", "none") == ["é1".encode(), None]


async def test_one_turn_is_one_write(open_client: OpenClient, redis_url: str, proxy: Proxy) -> None:
    """Commands of one turn of the loop share one write, and each gets its own reply."""
    client = open_client(proxy.url)
    await client.execute("PING")
    before = proxy.reads

    replies = await asyncio.gather(*(client.submit("ECHO", number) for number in range(100)))

    assert replies == [b"%d" % number for number in range(100)]
    assert proxy.reads - before < 20, "a chunk of commands and one of replies; the network may cut each, but not in 100"


async def test_commands_before_the_connection_wait_for_it(redis_url: str, open_client: OpenClient) -> None:
    """What is submitted while connecting goes out in order afterwards."""
    client = open_client(redis_url)

    replies = await asyncio.gather(*(client.submit("INCR", "n") for _ in range(3)))

    assert replies == [1, 2, 3]


async def test_error_reply(redis_url: str, open_client: OpenClient) -> None:
    """An error reply raises with its text and code, and the connection goes on."""
    client = open_client(redis_url)
    await client.execute("SET", "a", 1)

    with pytest.raises(RedisReplyError) as caught:
        await client.execute("LPUSH", "a", 1)

    assert (caught.value.code, caught.value.text) == (
        "WRONGTYPE",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
    )
    assert await client.execute("GET", "a") == b"1"


async def test_unknown_script_has_its_own_type(redis_url: str, open_client: OpenClient) -> None:
    """NOSCRIPT is told from other errors."""
    with pytest.raises(NoScriptError, match="NOSCRIPT"):
        await open_client(redis_url).execute("EVALSHA", "0" * 40, 0)


async def test_cancelled_command_does_not_shift_replies(redis_url: str, open_client: OpenClient) -> None:
    """The reply to a command nobody waits for is read and thrown away."""
    client = open_client(redis_url)
    first, second = client.submit("ECHO", "first"), client.submit("ECHO", "second")

    first.cancel()

    assert await second == b"second"


async def test_large_reply(redis_url: str, open_client: OpenClient) -> None:
    """A reply of many reads arrives whole."""
    client = open_client(redis_url)
    value = b"x" * 5_000_000

    await client.execute("SET", "big", value)

    assert await client.execute("GET", "big") == value


async def test_nobody_listens(open_client: OpenClient) -> None:
    """Without a Redis a command fails at once, again and again."""
    client = open_client("redis://127.0.0.1:1/0")

    for _ in range(3):
        started = time.monotonic()
        with pytest.raises(RedisUnavailable, match=r"127\.0\.0\.1:1/0 is down"):
            await client.execute("PING")
        assert time.monotonic() - started < 0.5


async def test_wrong_password(tmp_path: object, own_redis: RedisServer, open_client: OpenClient) -> None:
    """The error says what Redis said, without the password."""
    await open_client(own_redis.url).execute("CONFIG", "SET", "requirepass", "right")

    with pytest.raises(RedisUnavailable, match="WRONGPASS") as caught:
        await open_client(f"redis://:wrong@127.0.0.1:{own_redis.port}").execute("PING")

    assert "wrong@" not in str(caught.value)
    assert await open_client(f"redis://:right@127.0.0.1:{own_redis.port}").execute("PING") == b"PONG"


async def test_killed_and_restarted(own_redis: RedisServer, open_client: OpenClient) -> None:
    """Killed: commands fail at once. Restarted: they work again within a second, over a new connection."""
    client = open_client(own_redis.url)
    await client.execute("PING")

    own_redis.kill()
    with pytest.raises(RedisUnavailable):
        await client.execute("PING")
    started = time.monotonic()
    with pytest.raises(RedisUnavailable):
        await client.execute("PING")
    assert time.monotonic() - started < 0.5
    own_redis.start()

    assert await succeed(lambda: client.execute("PING"), seconds=2) == b"PONG"


async def test_cut_connection_is_replaced_at_once(redis_url: str, proxy: Proxy, open_client: OpenClient) -> None:
    """A command after a connection was reset waits for the new one instead of failing."""
    client = open_client(proxy.url)
    await client.execute("PING")

    proxy.cut()
    while client.is_up:  # each turn of the loop: it is back within a millisecond
        await asyncio.sleep(0)

    assert await client.execute("ECHO", "back") == b"back"
    assert proxy.accepted == 2


async def test_frozen(own_redis: RedisServer, open_client: OpenClient) -> None:
    """A Redis that is stopped fails commands within the timeout; no late reply meets another command."""
    client = open_client(own_redis.url)
    await client.execute("PING")

    own_redis.signal(signal.SIGSTOP)
    started = time.monotonic()
    outcomes = await asyncio.gather(
        *(client.submit("ECHO", f"frozen {number}") for number in range(3)), return_exceptions=True
    )
    waited = time.monotonic() - started
    own_redis.signal(signal.SIGCONT)

    assert [type(outcome) for outcome in outcomes] == [RedisUnavailable] * 3
    assert "no answer for 1 s" in str(outcomes[0])
    assert 0.9 < waited < 1.4
    assert await succeed(lambda: client.execute("ECHO", "thawed")) == b"thawed"


async def test_one_slow_command_does_not_mix_up_replies(own_redis: RedisServer, open_client: OpenClient) -> None:
    """A command that takes too long costs the connection; the next command gets its own reply."""
    client = open_client(own_redis.url)
    await client.execute("PING")

    with pytest.raises(RedisUnavailable):
        await client.execute("BLPOP", "nothing", 2)

    assert await succeed(lambda: client.execute("ECHO", "mine")) == b"mine"


async def test_half_open_connection_is_found_while_idle(redis_url: str, proxy: Proxy, open_client: OpenClient) -> None:
    """A peer that vanished without a FIN is noticed within six seconds although nobody sends a command."""
    client = open_client(proxy.url)
    await client.execute("PING")

    proxy.swallow()
    started = time.monotonic()
    await until(lambda: not client.is_up, seconds=10)

    assert 4.5 < time.monotonic() - started < 6.5


async def test_held_up_process_does_not_blame_redis(redis_url: str, open_client: OpenClient) -> None:
    """When our own process stood still, the replies that wait in the socket are read before giving up."""
    client = open_client(redis_url)
    await client.execute("PING")
    future = client.submit("ECHO", "late")
    await asyncio.sleep(0)

    time.sleep(1.5)  # noqa: ASYNC251  # the point: nothing runs

    assert await future == b"late"


async def test_demoted_master_is_left(own_redis: RedisServer, tmp_path: object, open_client: OpenClient) -> None:
    """After a READONLY reply we connect again, to find the new master behind the name."""
    client = open_client(own_redis.url)
    await client.execute("REPLICAOF", "127.0.0.1", 1)
    assert client.is_up

    with pytest.raises(RedisReplyError, match="READONLY"):
        await client.execute("SET", "a", 1)

    assert not client.is_up


async def test_reloading_redis_counts_as_down(open_client: OpenClient) -> None:
    """A Redis that is still loading its data is not up."""

    async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            writer.write(b"+OK\r\n" + 4 * b"-LOADING Redis is loading the dataset in memory\r\n")

    async with await asyncio.start_server(loading, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = open_client(f"redis://127.0.0.1:{port}")

        with pytest.raises(RedisUnavailable, match="LOADING"):
            await client.execute("PING")
        await client.close()


async def test_not_redis(open_client: OpenClient) -> None:
    """Something else on the port is reported as such."""

    async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with await asyncio.start_server(http, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        client = open_client(f"redis://127.0.0.1:{port}")

        with pytest.raises(RedisUnavailable, match="not the Redis protocol"):
            await client.execute("PING")
        await client.close()


async def test_closed_client(redis_url: str) -> None:
    """Closing fails what waits and leaves no task behind; a later command fails."""
    client = RedisClient(redis_url)
    await client.execute("PING")
    future = client.submit("BLPOP", "nothing", 10)
    await asyncio.sleep(0)

    await client.close()

    with pytest.raises(RedisUnavailable):
        await future
    with pytest.raises(RedisUnavailable, match="is closed"):
        await client.execute("PING")
    assert asyncio.all_tasks() == {asyncio.current_task()}
