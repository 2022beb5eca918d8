"""
The right to resume: an EventSource comes back to its address, with a ticket that is spent, and with the last id it saw.

So the id carries what the ticket said, signed: for that ticket alone, for a while, and only as long as its login holds.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence

import msgspec
from django.utils.crypto import salted_hmac

from tandem.errors import InvalidToken
from tandem.tickets import Ticket


class Right(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a ticket said, a name for the ticket itself, and until when that may be used, in seconds since 1970."""

    said: Ticket
    ticket: str
    until: int


class Rights:
    """Signs and reads rights. *secrets* are the project's, the one that signs first; without any there are none."""

    def __init__(self, secrets: Sequence[str], *, seconds: float, now: Callable[[], float]) -> None:
        self._secrets = secrets
        self._seconds = seconds
        self._now = now

    def resumption(self, said: Ticket, ticket: str) -> Callable[[], str] | None:
        """Return what makes the rights of a reader that came with *ticket*; None where there are none."""
        if not self._secrets or not ticket:
            return None
        name = _name_of(ticket)
        made_at, made = 0.0, ""

        def right() -> str:
            nonlocal made_at, made
            now = self._now()
            if not made or now - made_at > self._seconds / 10:
                made_at, made = now, self._sign(Right(said, name, int(now + self._seconds)))
            return made

        return right

    def read(self, text: str, ticket: str) -> Ticket:
        """Return what *ticket* said. Raises `InvalidToken` for a right that is forged, over, or another ticket's."""
        body, _, signature = text.partition(".")
        given = signature.encode()
        if not any(hmac.compare_digest(_signature(body, secret).encode(), given) for secret in self._secrets):
            raise InvalidToken("this right was not signed here")
        try:
            right = msgspec.json.decode(base64.urlsafe_b64decode(body), type=Right)
        except (binascii.Error, msgspec.MsgspecError) as error:
            raise InvalidToken("not a right") from error
        if right.until < self._now() or right.ticket != _name_of(ticket):
            raise InvalidToken("this right is over, or another ticket's")
        return right.said

    def _sign(self, right: Right) -> str:
        body = base64.urlsafe_b64encode(msgspec.json.encode(right)).decode()
        return f"{body}.{_signature(body, self._secrets[0])}"


def _signature(body: str, secret: str) -> str:
    return salted_hmac("tandem.resume", body, secret=secret, algorithm="sha256").hexdigest()[:32]


def _name_of(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()[:16]
