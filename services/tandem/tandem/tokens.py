"""Tokens: made by the api, verified by realtime with nothing but the key. JWT (RFC 7519)."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tandem.errors import ExpiredToken, InvalidToken
from tandem.namespaces import Namespace
from tandem.publication import NOTHING

CONNECTION_TTL_SECONDS = 600
SUBSCRIPTION_TTL_SECONDS = 600

LEEWAY_SECONDS = 30
LATEST = 2**53

_COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)

NO_INFO = NOTHING  # not None: msgspec decodes no union with Raw in it

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}  # RFC 7518, section 3.4

# The times are ours to judge, by another clock.
_UNJUDGED: Any = dict.fromkeys(
    ("verify_aud", "verify_iss", "verify_sub", "verify_jti", "verify_iat", "verify_nbf", "verify_exp"), False
)
_UNPROVEN: Any = {**_UNJUDGED, "verify_signature": False}

T = TypeVar("T", "ConnectionClaims", "SubscriptionClaims")


class SubscribeOptions(msgspec.Struct, frozen=True):
    """A server-side subscription in a connection token: what presence shows of it, and what its client is given."""

    info: msgspec.Raw = NO_INFO
    data: msgspec.Raw = NO_INFO


class ConnectionClaims(msgspec.Struct, frozen=True):
    """
    What a connection token says. `exp` is 0 for a token that does not expire.

    `sid` is the login and `gen` the generation of the user that it was made for: see `tandem.revocations`. `ns` are the
    options of the channels' namespaces, by name, where the sockets cannot know them.
    """

    sub: str = ""
    exp: int = 0
    nbf: int = 0
    iat: int = 0
    info: msgspec.Raw = NO_INFO
    channels: list[str] = []
    subs: dict[str, SubscribeOptions] = {}
    sid: str = ""
    jti: str = ""
    gen: int = 0
    ns: dict[str, Namespace] = {}


class SubscriptionClaims(msgspec.Struct, frozen=True):
    """What a subscription token says: this user may subscribe to this channel."""

    channel: str
    sub: str = ""
    exp: int = 0
    nbf: int = 0
    iat: int = 0
    info: msgspec.Raw = NO_INFO
    gen: int = 0
    ns: dict[str, Namespace] = {}


class Key(NamedTuple):
    """A key that verifies, and the one algorithm that it may be used with."""

    key: Any
    algorithm: str


def secret_keys(secrets_: Sequence[str]) -> list[Key]:
    """Return HMAC keys: the first signs, all verify."""
    return [Key(secret, "HS256") for secret in secrets_]


def public_keys(pems: Sequence[str]) -> list[Key]:
    """Return the public keys of PEM texts, each with its algorithm. Raises `ValueError` for what is no such key."""
    return [_public_key(pem) for pem in pems]


class Verifier:
    """
    Verify tokens with a list of keys, so that keys can rotate.

    *now* tells the time (seconds since 1970), from which an issuer's clock may differ by `LEEWAY_SECONDS`. *on_skew*
    is called with the seconds by which a token comes from the future, if that is more, or (negative) had run out.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        now: Callable[[], float] = time.time,
        on_skew: Callable[[float], None] | None = None,
    ) -> None:
        self._keys = list(keys)
        self._now = now
        self._on_skew = on_skew

    def connection(self, token: str) -> ConnectionClaims:
        """Return what a connection token says. Raises `ExpiredToken` or `InvalidToken`."""
        payload = self._verify(token)
        with _naming(payload):
            if "channel" in payload:
                raise InvalidToken("a subscription token is not a connection token")
            return self._in_time(_claims(payload, ConnectionClaims))

    def subscription(self, token: str) -> SubscriptionClaims:
        """Return what a subscription token says. Raises `ExpiredToken` or `InvalidToken`."""
        payload = self._verify(token)
        with _naming(payload):
            return self._in_time(_claims(payload, SubscriptionClaims))

    def _in_time(self, claims: T) -> T:
        now = self._now()
        early = max(claims.iat, claims.nbf) - now
        has_run_out = bool(claims.exp) and claims.exp + LEEWAY_SECONDS <= now
        if self._on_skew is not None and (early > LEEWAY_SECONDS or has_run_out):
            self._on_skew(early if early > LEEWAY_SECONDS else claims.exp - now)
        if has_run_out:
            raise ExpiredToken("the token has expired")
        if claims.nbf > now + LEEWAY_SECONDS:  # by a clock that is ahead of ours: the next token may be good
            raise ExpiredToken("the token is not valid yet")
        return claims

    def _verify(self, token: str) -> dict[str, Any]:
        if not _COMPACT.fullmatch(token):  # base64's decoder skips what is no base64
            raise InvalidToken("not a JWT")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise InvalidToken("not a JWT") from error
        if "crit" in header:  # RFC 7515, section 4.1.11
            raise InvalidToken("the token demands an extension")
        algorithm = header.get("alg")
        for key in self._keys:
            if key.algorithm == algorithm and (payload := _decode(token, key)) is not None:
                return payload
        raise InvalidToken(f"no key verifies this {str(algorithm)[:16]} token")


def connection_token(
    key: str,
    user: str = "",
    *,
    ttl: int = CONNECTION_TTL_SECONDS,
    info: Any = None,
    channels: Sequence[str] = (),
    session: str = "",
    generation: int = 0,
    namespaces: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """
    Make a connection token for *user* (empty: anonymous), valid for *ttl* seconds (0: for ever).

    *info* is shown in presence, *channels* are subscribed at connect, *session* is a hash that ties the connection to a
    login, so that logging out ends it. *generation* is the user's when something of his was revoked, *namespaces* the
    options of those that the sockets may not know. Raises `TypeError` or `ValueError` for a user that no token names.
    """
    claims: dict[str, Any] = {"sub": check_user(user), "jti": secrets.token_urlsafe(9)}
    if info is not None:
        claims["info"] = info
    if channels:
        claims["channels"] = list(channels)
    if session:
        claims["sid"] = session
    return _sign({**claims, **_admission(generation, namespaces)}, key, ttl)


def subscription_token(
    key: str,
    user: str,
    channel: str,
    *,
    ttl: int = SUBSCRIPTION_TTL_SECONDS,
    info: Any = None,
    generation: int = 0,
    namespaces: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """
    Make a token that lets *user* subscribe to *channel* within *ttl* seconds (0: for ever).

    The rest is as in `connection_token`.
    """
    claims: dict[str, Any] = {"sub": check_user(user), "channel": channel, **_admission(generation, namespaces)}
    if info is not None:
        claims["info"] = info
    return _sign(claims, key, ttl)


def check_user(user: str) -> str:
    """Return *user*, or raise `TypeError` or `ValueError` for what a token cannot name: a number, half a character."""
    if not isinstance(user, str):
        raise TypeError(f"a user's id is a text, not a {type(user).__name__}: str(user.pk)")
    try:
        user.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"a user's id is text, and {user!a} is not") from error
    return user


def claimed_user(token: str) -> str:
    """Return whom *token* says it was made for, which no key proves; empty if it says nothing that can be read."""
    try:
        payload: dict[str, Any] = jwt.decode(token, options=_UNPROVEN)
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return ""
    return str(payload.get("sub") or "")


@contextmanager
def _naming(payload: Mapping[str, Any]) -> Iterator[None]:
    """Have what is raised say whom the *payload* of a verified token names."""
    try:
        yield
    except InvalidToken as error:
        error.user = str(payload.get("sub") or "")
        raise


def _admission(generation: int, namespaces: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    claims: dict[str, Any] = {"gen": generation} if generation else {}
    return {**claims, "ns": dict(namespaces)} if namespaces else claims


def _sign(claims: Mapping[str, Any], key: str, ttl: int) -> str:
    now = int(time.time())
    expiry = {"exp": now + ttl} if ttl else {}
    return jwt.encode({**claims, "iat": now, **expiry}, key, algorithm="HS256")


def _decode(token: str, key: Key) -> dict[str, Any] | None:
    try:
        payload: dict[str, Any] = jwt.decode(
            token,
            key.key,
            algorithms=[key.algorithm],
            options=_UNJUDGED,
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return None
    return payload


def _claims(payload: dict[str, Any], kind: type[T]) -> T:
    try:
        for name in ("exp", "nbf", "iat", "gen"):
            if isinstance(payload.get(name), float):  # allowed by RFC 7519, and what time.time() makes
                payload[name] = int(payload[name])
            if not abs(payload.get(name, 0)) < LATEST:
                raise InvalidToken(f"the token's {name} is no number that can be")
        return msgspec.json.decode(msgspec.json.encode(payload), type=kind)
    # A time that is infinite, half a character, an integer of 100 digits.
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidToken(f"the token's claims are malformed: {error}") from error


def _public_key(pem: str) -> Key:
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    match key:
        case RSAPublicKey():
            return Key(key, "RS256")
        case Ed25519PublicKey():
            return Key(key, "EdDSA")
        case EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return Key(key, _CURVES[key.curve.name])
    raise ValueError(f"a token cannot be verified with a {type(key).__name__}")
