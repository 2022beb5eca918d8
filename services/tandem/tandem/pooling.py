"""The pool of redis-py's connections that sync code takes one of for each round trip."""

from __future__ import annotations

from typing import Any

import redis


class Pool(redis.ConnectionPool):
    """
    redis-py's pool, without what it does for its listeners each time: that took longer than the round trip.

    Nothing of ours listens: four records for a gauge of OpenTelemetry's (`count_connections` has the numbers), and
    an event for credentials that change by themselves. A connection that has ended, or that has something to read,
    connects anew: redis-py hands the latter out, with an answer that is somebody else's, where it awaits maintenance.
    """

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        """Return a connection that is ready, the one that was used last."""
        self._checkpid()
        with self._lock:
            connection: Any = self._available_connections.pop() if self._available_connections else None
            if connection is not None:
                self._in_use_connections.add(connection)
        if connection is not None:
            if connection.is_silent():
                return connection
            connection.disconnect()
            self.release(connection)
        return super().get_connection()

    def release(self, connection: Any) -> None:
        """Take *connection* back."""
        self._checkpid()
        with self._lock:
            is_as_ever = connection in self._in_use_connections and not connection.should_reconnect()
            if is_as_ever and self.owns_connection(connection):
                self._in_use_connections.remove(connection)
                self._available_connections.append(connection)
                return
        super().release(connection)


# Before redis-py 8 its pool told nobody, and a connection did not say whether it is one.
pool_class = Pool if hasattr(redis.connection.AbstractConnection, "is_connected") else redis.ConnectionPool


def count_connections(pool: redis.ConnectionPool) -> tuple[int, int]:
    """Return how many connections of *pool* are idle, and how many in use. redis-py tells from 7.2 on."""
    counted: Any = pool
    return len(counted._available_connections), len(counted._in_use_connections)
