"""Talk to Redis from an event loop: one pipelined connection, read by hiredis, that comes back by itself."""

from tandem.redis.address import Address
from tandem.redis.client import RedisClient

__all__ = ["Address", "RedisClient"]
