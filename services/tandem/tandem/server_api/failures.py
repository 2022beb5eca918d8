"""From an exception to the error that the caller gets: the codes of the client protocol. No I/O here."""

from __future__ import annotations

import msgspec

from tandem.errors import InvalidChannel, PublicationTooLarge, TandemError, UnknownNamespace, UnrecoverablePosition

UNAVAILABLE = 100
"""Redis is away or refuses: the same request may succeed later."""

_OF_TYPE = (
    (InvalidChannel, 107, "bad request"),
    (PublicationTooLarge, 107, "bad request"),
    (UnknownNamespace, 102, "unknown channel"),
    (UnrecoverablePosition, 112, "unrecoverable position"),
    (TandemError, UNAVAILABLE, "internal server error"),
    (ValueError, 107, "bad request"),
)


class Error(msgspec.Struct):
    """An error as it is told."""

    code: int
    message: str


class Failure(Exception):
    """A request that cannot be done, and the error that says so."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = Error(code, message)


def error_for(exception: TandemError | ValueError | Failure) -> Error:
    """Return the error that tells of *exception*; a bad request also hears what is bad about it."""
    if isinstance(exception, Failure):
        return exception.error
    code, message = next((code, text) for type_, code, text in _OF_TYPE if isinstance(exception, type_))
    return Error(code, f"{message}: {exception}" if code == 107 else message)
