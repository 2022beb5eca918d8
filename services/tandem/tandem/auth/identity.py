"""Who asks: the user of a request or a user alone, and the login that a session stands for."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple
from urllib.parse import quote

from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from tandem import conf
from tandem.auth.errors import NotSignedIn
from tandem.auth.generations import generation_of
from tandem.auth.logins import login_of

MAX_ID_LENGTH = 100
_PLAIN = "!$&'()*+-./:;=?@[]^_`{|}~"


class Identity(NamedTuple):
    """Somebody, as tokens name him. `user_id` is empty for who is anonymous; `generation` counts what was revoked."""

    user: Any
    request: HttpRequest | None
    user_id: str = ""
    login: str = ""
    generation: int = 0


def identify(who: Any) -> Identity:
    """
    Return who *who* is: a request, whose user is meant, or a user.

    Raises `NotSignedIn` for somebody anonymous unless `anonymous` allows it, and for a user who was deactivated, or
    whose password was changed, since it was loaded.
    """
    found = identify_for_now(who)
    if not found.user_id:
        return found
    # In this order: what is revoked later bars the token, and what was revoked before is seen now.
    generation = generation_of(found.user_id)
    _require_valid(found.user)
    return found._replace(generation=generation)


def identify_for_now(who: Any) -> Identity:
    """
    Return who *who* is, as it was loaded: enough for an answer to this request, and nothing is read for it.

    A token outlives the request, and needs `identify`. Raises `NotSignedIn` as that does.
    """
    request = who if isinstance(who, HttpRequest) or hasattr(who, "META") else None
    user = getattr(who, "user", None) if request is not None else who
    if user is None or not user.is_authenticated:
        if not conf.settings().anonymous:
            raise NotSignedIn("nobody is logged in")
        return Identity(user, request)
    if not getattr(user, "is_active", True):
        raise NotSignedIn("the user is not active")
    return Identity(user, request, id_of(user, request), login_of(request))


def id_of(user: Any, request: Any = None) -> str:
    """
    Return the text by which tokens, channels, presence and `revoke` know *user*: what ``TANDEM["user_id"]`` says.

    Text passes as it is. What a channel cannot hold is percent-encoded, and a digest when that is too long.
    """
    if isinstance(user, str):
        return encode_id(user)
    name = conf.function_of("user_id")
    return encode_id(str(name(user, request) if name else user.pk))


def encode_id(text: str) -> str:
    """Return *text* as a channel can hold it after ``#``: without spaces, commas and what is not ASCII."""
    if not text:
        raise ValueError("a user's id is empty, which would be everybody who is anonymous")
    encoded = quote(text, safe=_PLAIN, errors="strict")
    if len(encoded) > MAX_ID_LENGTH:
        return "~" + hashlib.blake2b(text.encode(), digest_size=24).hexdigest()
    return encoded


def _require_valid(user: Any) -> None:
    manager = get_user_model()._base_manager
    fresh = manager.filter(pk=user.pk).first() if isinstance(user, get_user_model()) else user
    if fresh is None or not getattr(fresh, "is_active", True):
        raise NotSignedIn("the user is not active")
    proof = getattr(fresh, "get_session_auth_hash", None)
    if proof is not None and not constant_time_compare(proof(), user.get_session_auth_hash()):
        raise NotSignedIn("the password was changed")
