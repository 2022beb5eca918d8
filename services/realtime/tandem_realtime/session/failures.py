"""What a client is told of an exception."""

from __future__ import annotations

import logging

from tandem.errors import InvalidChannel, RedisReplyError, RedisUnavailable, UnknownNamespace
from tandem_realtime.protocol import codes
from tandem_realtime.protocol.codes import CommandError, Error

logger = logging.getLogger(__name__)


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
            logger.warning("session.redis", extra={"reason": str(error)})
            return codes.INTERNAL
    logger.error("session.failed", exc_info=error)
    return codes.INTERNAL
