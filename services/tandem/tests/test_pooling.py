"""The pool of connections: one is used again, unless it is not what it was."""

from __future__ import annotations

import redis
from redis.observability.attributes import DB_CLIENT_CONNECTION_STATE as STATE

from tandem.shards import shards


def counts() -> dict[str, int]:
    """Return how many connections there are to the shard, by state."""
    [pool] = shards().pools()
    return {attributes[STATE]: count for count, attributes in pool.get_connection_count()}


def ids() -> list[int]:
    """Ask over a connection of the pool which one it is, twice."""
    return [shards().commands(0, [("CLIENT", "ID")])[0] for _ in range(2)]


def test_connection_is_used_again(store: redis.Redis) -> None:
    """And counted as redis-py counts."""
    first, second = ids()
    [pool] = shards().pools()
    connection = pool.get_connection()
    busy = counts()
    pool.release(connection)
    pool.release(connection)

    assert first == second
    assert (busy["used"], busy["idle"]) == (1, counts()["idle"] - 1)


def test_connection_that_ended_while_idle_is_made_anew(store: redis.Redis) -> None:
    """Redis has closed it: nobody notices."""
    [first, _] = ids()
    store.client_kill_filter(_id=str(first))
    second, third = ids()

    assert first != second == third


def test_connection_with_something_unread_is_made_anew(store: redis.Redis) -> None:
    """Somebody left before the answer came: it is nobody else's."""
    [first, _] = ids()
    [pool] = shards().pools()
    connection = pool.get_connection()
    connection.send_command("PING")
    is_unread = connection.can_read(5.0)
    pool.release(connection)
    second, third = ids()

    assert is_unread
    assert first != second == third
