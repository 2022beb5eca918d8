"""
A signed reference: what a page was shown, and to whom. It is no right: that is asked anew each time.

Nobody but the login that got it can use it, and nobody else's content, partial or arguments come of it.
"""

from __future__ import annotations

import secrets
import time
from typing import Any, NamedTuple

import msgspec
from django.core import signing
from django.utils import timezone, translation

from tandem.live import viewers
from tandem.live.blocks import Block
from tandem.live.errors import NotShown

LIFE_SECONDS = 86_400
"""An element renews its own several times in that."""

_SALT = "tandem.live"


class Reference(NamedTuple):
    """
    A block, the login whose page it is on (`tandem.page.login_name`), and how that page spoke.

    *viewer* is a name for one element, to count them.
    """

    block: Block
    login: str
    language: str
    time_zone: str
    viewer: str


def refer(block: Block, login: str) -> Reference:
    """Refer to *block* on a page of *login*, in the language and time zone that are active now."""
    zone = timezone.get_current_timezone_name()
    return Reference(block, login, translation.get_language() or "", zone, secrets.token_urlsafe(6))


def sign(reference: Reference) -> str:
    """Return *reference* as text for a page."""
    fields: list[Any] = [msgspec.to_builtins(reference.block), *reference[1:]]
    return signing.dumps(fields, salt=_SALT, compress=True)


def renew(text: str, reference: Reference) -> str:
    """
    Return *text*, which was read as *reference*, or the same signed anew.

    An element that asks all the time goes on with the one that it has for half the time after which a quiet one asks.
    """
    signed_at = signing.b62_decode(text.rsplit(":", 2)[1])
    return text if time.time() - signed_at < viewers.RENEWAL_SECONDS / 2 else sign(reference)


def read(text: str, login: str) -> Reference:
    """Return the reference that *text* is. Raises `NotShown`: forged, expired, or of another login than *login*."""
    try:
        block, *rest = signing.loads(text, salt=_SALT, max_age=LIFE_SECONDS)
    except signing.SignatureExpired as error:
        raise NotShown("expired", "the reference has expired: load the page again") from error
    except signing.BadSignature as error:
        raise NotShown("forged", "the reference is not one that was signed here") from error
    reference = Reference(msgspec.convert(block, Block), *rest)
    if reference.login != login:
        raise NotShown("another login", "the page belongs to another login")
    return reference
