"""What a client is told of an exception."""

from __future__ import annotations

import logging

from tandem.errors import InvalidChannel, RedisReplyError, RedisUnavailable, UnknownNamespace
from tandem.repeats import Repeats
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError, Error

logger = logging.getLogger(__name__)
_repeats = Repeats(logger)


def as_error(error: Exception) -> Error:
    """Return what a client is told of *error*; what is a bug of ours is logged."""
    match error:
        case CommandError():
            return error.error
        case UnknownNamespace():
            return codes.UNKNOWN_CHANNEL
        case InvalidChannel():
            return codes.BAD_COMMAND
        case RedisUnavailable() | RedisReplyError():
            tell_redis(error)
            return codes.INTERNAL
    logger.error("session.failed", exc_info=error)
    return codes.INTERNAL


def tell_redis(error: Exception) -> None:
    """Log that a session's question to Redis failed: once, and then once a minute how often."""
    _repeats.warning("session.redis", type(error).__name__, reason=str(error))
