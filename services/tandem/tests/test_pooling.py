"""The pool of connections: one is used again, unless it is not what it was."""

from __future__ import annotations

import redis

from tandem.pooling import count_connections
from tandem.shards import shards


def ids() -> list[int]:
    """Ask over a connection of the pool which one it is, twice."""
    return [shards().commands(0, [("CLIENT", "ID")])[0] for _ in range(2)]


def test_connection_is_used_again(store: redis.Redis) -> None:
    """And counted."""
    first, second = ids()
    [pool] = shards().pools()
    connection = pool.get_connection()
    idle, in_use = count_connections(pool)
    pool.release(connection)
    pool.release(connection)

    assert first == second
    assert (in_use, idle + 1) == (1, count_connections(pool)[0])


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
