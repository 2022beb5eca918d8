"""Tokens: made by the api, verified by realtime with nothing but the key. JWT (RFC 7519)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tandem.errors import ExpiredToken, InvalidToken
from tandem.publication import NOTHING

CONNECTION_TTL_SECONDS = 600
SUBSCRIPTION_TTL_SECONDS = 600

NO_INFO = NOTHING  # not None: msgspec decodes no union with Raw in it

_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}  # RFC 7518, section 3.4

T = TypeVar("T", "ConnectionClaims", "SubscriptionClaims")


class SubscribeOptions(msgspec.Struct, frozen=True):
    """A server-side subscription in a connection token: what presence shows of it, and what its client is given."""

    info: msgspec.Raw = NO_INFO
    data: msgspec.Raw = NO_INFO


class ConnectionClaims(msgspec.Struct, frozen=True):
    """What a connection token says. `exp` is 0 for a token that does not expire."""

    sub: str = ""
    exp: int = 0
    info: msgspec.Raw = NO_INFO
    channels: list[str] = []
    subs: dict[str, SubscribeOptions] = {}
    sid: str = ""
    jti: str = ""


class SubscriptionClaims(msgspec.Struct, frozen=True):
    """What a subscription token says: this user may subscribe to this channel."""

    channel: str
    sub: str = ""
    exp: int = 0
    info: msgspec.Raw = NO_INFO


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
    """Verify tokens with a list of keys, so that keys can rotate."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = list(keys)

    def connection(self, token: str) -> ConnectionClaims:
        """Return what a connection token says. Raises `ExpiredToken` or `InvalidToken`."""
        payload = self._verify(token)
        if "channel" in payload:
            raise InvalidToken("a subscription token is not a connection token")
        return _claims(payload, ConnectionClaims)

    def subscription(self, token: str) -> SubscriptionClaims:
        """Return what a subscription token says. Raises `ExpiredToken` or `InvalidToken`."""
        return _claims(self._verify(token), SubscriptionClaims)

    def _verify(self, token: str) -> dict[str, Any]:
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise InvalidToken("not a JWT") from error
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
) -> str:
    """
    Make a connection token for *user* (empty: anonymous), valid for *ttl* seconds (0: for ever).

    *info* is shown in presence, *channels* are subscribed at connect, *session* is a hash that ties the connection to a
    login, so that logging out ends it.
    """
    claims: dict[str, Any] = {"sub": user, "jti": secrets.token_urlsafe(9)}
    if info is not None:
        claims["info"] = info
    if channels:
        claims["channels"] = list(channels)
    if session:
        claims["sid"] = session
    return _sign(claims, key, ttl)


def subscription_token(
    key: str, user: str, channel: str, *, ttl: int = SUBSCRIPTION_TTL_SECONDS, info: Any = None
) -> str:
    """Make a token that lets *user* subscribe to *channel* within *ttl* seconds (0: for ever)."""
    claims: dict[str, Any] = {"sub": user, "channel": channel}
    if info is not None:
        claims["info"] = info
    return _sign(claims, key, ttl)


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
            options={"verify_aud": False, "verify_iss": False, "verify_sub": False, "verify_iat": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise ExpiredToken("the token has expired") from error
    except jwt.ImmatureSignatureError as error:  # by a clock that is ahead of ours: the next token may be good
        raise ExpiredToken("the token is not valid yet") from error
    except (jwt.InvalidTokenError, RecursionError, OverflowError):  # exp: Infinity
        return None
    return payload


def _claims(payload: dict[str, Any], kind: type[T]) -> T:
    if isinstance(payload.get("exp"), float):  # allowed by RFC 7519, and what time.time() makes
        payload["exp"] = int(payload["exp"])
    try:
        return msgspec.json.decode(msgspec.json.encode(payload), type=kind)
    except (msgspec.ValidationError, RecursionError) as error:
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
