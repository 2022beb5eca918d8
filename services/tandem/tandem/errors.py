"""What can go wrong between Tandem and Redis. Each type is redis-py's too, so code that catches those keeps working."""

from __future__ import annotations

import re

from redis import exceptions


class TandemError(Exception):
    """The base of every exception that Tandem raises on purpose."""


class RedisUnavailable(TandemError, exceptions.ConnectionError):
    """
    Redis did not answer in time, or is known to be down.

    The command may or may not have been carried out.
    """


class PublishingPaused(RedisUnavailable):
    """Publishing is paused, by ``manage.py tandem pause``: nothing was sent."""


class RedisReplyError(TandemError, exceptions.ResponseError):
    """Redis answered with an error: `text` is all of it, `code` its first word (``WRONGTYPE``, ``OOM`` ...)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
        self.code = text.partition(" ")[0]


NOT_NOW = frozenset(
    {
        "LOADING",
        "MASTERDOWN",
        "READONLY",
        "CLUSTERDOWN",
        "TRYAGAIN",
        "BUSY",
        "NOREPLICAS",
        "MISCONF",
        "UNBLOCKED",
        "ASK",
    }
)
"""The first words of replies that say that this Redis cannot serve now, whatever is asked of it."""


class NoScriptError(RedisReplyError, exceptions.NoScriptError):
    """The script of an EVALSHA is not in Redis's cache: send it with EVAL."""


_IN_SCRIPT = re.compile(r"(ERR )?Error running script \(call to \w+\): (@user_script: ?\d+: ){2}-(?=[A-Z]+ )")


def without_script(text: str) -> str:
    """Return *text* without what Redis before 7 puts around an error reply that a script met (``-READONLY ...``)."""
    return _IN_SCRIPT.sub("", text, count=1)


def reply_error(text: str) -> RedisReplyError:
    """Return the exception for the error reply *text*."""
    text = without_script(text)
    return NoScriptError(text) if text.startswith("NOSCRIPT") else RedisReplyError(text)


class UnrecoverablePosition(TandemError):
    """A position of another epoch, or ahead of the stream: what follows it cannot be told."""


class InvalidChannel(TandemError, ValueError):
    """A channel name that is empty, too long or not printable ASCII."""


class UnknownNamespace(TandemError, LookupError):
    """A channel whose namespace is not declared."""


class PublicationTooLarge(TandemError, ValueError):
    """A publication whose data is larger than `max_publication_bytes`."""


class InvalidToken(TandemError):
    """
    A token that is malformed, forged, or meant for something else.

    `user` is whom it names, where a key proves that: for the log, and nothing else.
    """

    user: str = ""


class ExpiredToken(InvalidToken):
    """A token that is not valid now, but was or will be: another one may be."""
