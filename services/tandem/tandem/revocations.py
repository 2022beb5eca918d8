"""
What tokens say that holds no more: of a user up to a generation, of a login, of one token, of a channel for a user.

A token carries the generation that its user had when it was made; whatever is revoked of the user counts it up. So
which came first is told by a number, not by a clock. What was revoked is state in Redis, beside the log of control that
tells of it, for as long as such tokens live. No I/O here.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from tandem import scripts
from tandem.names import boot_keys, key_of
from tandem.namespaces import CONTROL, CONTROL_CHANNEL
from tandem.scripts import Call

PAGE = 1000

_REVOKE = scripts.load("revoke")
_REVOKED = scripts.load("revoked", prelude=scripts.INCARNATION)
_REFILL = scripts.load("refill", prelude=scripts.INCARNATION)


class Revocation(msgspec.Struct, frozen=True):
    """A subject whose tokens of a lower generation are worthless, and for how many seconds that is kept."""

    subject: str
    generation: int
    seconds: int


class Page(NamedTuple):
    """Part of what was revoked, whether Redis has the whole, and where the next page begins; None after the last."""

    revocations: list[Revocation]
    is_whole: bool
    next: tuple[str, int] | None


def of_user(user: str) -> str:
    """Return the subject for all of *user*: the connections end for good (3500)."""
    return f"user {user}"


def of_password(user: str) -> str:
    """Return the subject for *user* as he was authenticated until now: who still is comes back (3005)."""
    return f"password {user}"


def of_login(login: str) -> str:
    """Return the subject for one login, a token's ``sid``."""
    return f"login {login}"


def of_token(token_id: str, user: str) -> str:
    """Return the subject for one token of *user*, by its ``jti``."""
    return f"token {token_id} {user}"


def of_channel(channel: str, user: str) -> str:
    """Return the subject for what *user* may hear of *channel*."""
    return f"channel {channel} {user}"


def revoke_call(revocations: Sequence[Revocation]) -> Call:
    """Keep *revocations*, beside those kept before."""
    args = [value for each in revocations for value in (each.subject, each.generation, each.seconds)]
    return Call(_REVOKE, _keys()[:2], args)


def begin_refill_call() -> Call:
    """Before all that there is is read and kept anew: leave a mark, which is the reply."""
    return Call(_REFILL, _keys()[2:], (secrets.token_urlsafe(6), "", scripts.fresh_epoch()))


def end_refill_call(mark: str | bytes) -> Call:
    """After that: Redis has the whole if *mark* is still there, else it was emptied meanwhile. The reply is 1 or 0."""
    return Call(_REFILL, _keys()[2:], ("", mark, scripts.fresh_epoch()))


def page_call(begin: tuple[str, int] = ("-inf", 0), limit: int = PAGE) -> Call:
    """Read at most *limit* of what was revoked, those that are forgotten first in front."""
    return Call(_REVOKED, _keys(), (*begin, limit, scripts.fresh_epoch()))


def parse_page(reply: Sequence[bytes], begin: tuple[str, int] = ("-inf", 0), limit: int = PAGE) -> Page:
    """Read the answer to `page_call`."""
    is_whole, *flat = reply
    rows = list(zip(flat[::4], flat[1::4], flat[2::4], flat[3::4], strict=True))
    found = [Revocation(subject.decode(), int(number), max(1, int(left))) for subject, number, left, _ in rows]
    if len(rows) < limit:
        return Page(found, is_whole == b"1", None)
    last = rows[-1][3].decode()
    same = sum(row[3].decode() == last for row in rows)
    return Page(found, is_whole == b"1", (last, same + (begin[1] if begin[0] == last else 0)))


def _keys() -> tuple[str, ...]:
    """Generations, ends and whole, and where the incarnation is kept."""
    kinds = ("revoked", "revoked-ends", "revoked-whole")
    return (*(key_of(kind, CONTROL, beside=CONTROL_CHANNEL) for kind in kinds), *boot_keys(CONTROL_CHANNEL))
