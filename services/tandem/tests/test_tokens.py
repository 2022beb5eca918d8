"""Tokens: who may mint them, and what they say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tandem.errors import ExpiredToken, InvalidToken
from tandem.tokens import Verifier, connection_token, public_keys, secret_keys, subscription_token

OLD = "old-key-0123456789abcdefghijklmnop"
NEW = "new-key-0123456789abcdefghijklmnop"


def verifier(*keys: str) -> Verifier:
    return Verifier(secret_keys(keys or (NEW, OLD)))


def pems(key: Any) -> tuple[str, str]:
    """Return a key's private and public PEM."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def test_connection_token_says_what_it_was_made_with() -> None:
    """User, info as JSON text, channels and login come back."""
    token = connection_token(NEW, "42", info={"name": "Ada"}, channels=["a", "b"], session="login")
    claims = verifier().connection(token)

    assert (claims.sub, bytes(claims.info), claims.channels) == ("42", b'{"name":"Ada"}', ["a", "b"])
    assert (claims.sid, bool(claims.jti)) == ("login", True)
    assert 590 < claims.exp - time.time() <= 600


def test_subs_of_a_token_made_elsewhere_are_read() -> None:
    """Other libraries write server-side subscriptions with options; what we do not know is ignored."""
    payload = {"sub": "42", "subs": {"a": {"info": {"x": 1}, "override": {}}, "b": {}}, "meta": {}, "aud": "me"}
    claims = verifier().connection(jwt.encode(payload, NEW, "HS256"))

    assert {name: bytes(options.info) for name, options in claims.subs.items()} == {"a": b'{"x":1}', "b": b""}


def test_subscription_token_says_what_it_was_made_with() -> None:
    """Channel, user and info come back."""
    claims = verifier().subscription(subscription_token(NEW, "42", "secret:x", info=[1]))

    assert (claims.sub, claims.channel, bytes(claims.info)) == ("42", "secret:x", b"[1]")


def test_keys_rotate() -> None:
    """Every key of the list verifies; one that was taken out does not."""
    token = connection_token(OLD, "42")

    assert verifier(NEW, OLD).connection(token).sub == "42"
    with pytest.raises(InvalidToken):
        verifier(NEW).connection(token)


def test_expired_is_told_apart_from_invalid() -> None:
    """An SDK fetches a new token for one, and gives up for the other."""
    with pytest.raises(ExpiredToken):
        verifier().connection(connection_token(NEW, "42", ttl=-60))
    with pytest.raises(InvalidToken) as forged:
        verifier().connection(connection_token("a-third-key-0123456789abcdefghijkl", "42", ttl=-60))

    assert not isinstance(forged.value, ExpiredToken)


@pytest.mark.parametrize("key", [rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()])
def test_public_key_never_verifies_as_a_secret(key: Any) -> None:
    """Whoever knows the public key must not sign with it as if it were an HMAC secret."""
    private, public = pems(key)
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "EdDSA"
    asymmetric = Verifier(public_keys([public]))

    # PyJWT refuses to make such a token, so it is made by hand.
    def part(value: bytes) -> bytes:
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()) + b"." + part(b'{"sub":"42"}')
    forged = (head + b"." + part(hmac.digest(public.encode(), head, hashlib.sha256))).decode()

    assert asymmetric.connection(jwt.encode({"sub": "42"}, private, algorithm)).sub == "42"
    with pytest.raises(InvalidToken):
        asymmetric.connection(forged)


@pytest.mark.parametrize(
    ("curve", "algorithm"), [(ec.SECP256R1(), "ES256"), (ec.SECP384R1(), "ES384"), (ec.SECP521R1(), "ES512")]
)
def test_elliptic_curve_key_verifies(curve: ec.EllipticCurve, algorithm: str) -> None:
    """Each curve with its algorithm, for those who sign elsewhere."""
    private, public = pems(ec.generate_private_key(curve))

    assert Verifier(public_keys([public])).connection(jwt.encode({"sub": "42"}, private, algorithm)).sub == "42"


def test_key_that_no_token_can_be_signed_with_is_refused() -> None:
    """At start, and not at the first token."""
    _, public = pems(x25519.X25519PrivateKey.generate())

    with pytest.raises(ValueError, match="a token cannot be verified with a X25519PublicKey"):
        public_keys([public])


def test_expiry_may_be_a_fraction() -> None:
    """RFC 7519 allows it, and `time.time() + 60` makes it."""
    token = jwt.encode({"sub": "42", "exp": time.time() + 60.5}, NEW, "HS256")

    assert 59 < verifier().connection(token).exp - time.time() <= 60.5


def nested(depth: int) -> str:
    """Return a token whose header is an array in an array in an array."""
    header = base64.urlsafe_b64encode(b"[" * depth + b"]" * depth).rstrip(b"=").decode()
    return f"{header}.e30.e30"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "\udcff",
        nested(20_000),
        jwt.encode({"sub": "42", "exp": float("inf")}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": "tomorrow"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": None}, NEW, "HS256"),
        jwt.encode({"sub": "42"}, "", "none"),
        jwt.encode({"sub": "42"}, NEW * 2, "HS512"),
        jwt.encode({"sub": 42}, NEW, "HS256"),
        jwt.encode({"sub": None}, NEW, "HS256"),
        jwt.encode({"sub": ["42"]}, NEW, "HS256"),
        jwt.encode({"sub": "\ud800"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": float("nan")}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": 10**100}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": True}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": [1]}, NEW, "HS256"),
        jwt.encode({"sub": "42", "exp": "4000000000"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "nbf": "1"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "nbf": float("inf")}, NEW, "HS256"),
        jwt.encode({"sub": "42", "iat": "1"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "iat": -(10**100)}, NEW, "HS256"),
        jwt.encode({"sub": "42", "gen": "1"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "gen": 10**100}, NEW, "HS256"),
        jwt.encode({"sub": "42", "sid": 1}, NEW, "HS256"),
        jwt.encode({"sub": "42", "jti": None}, NEW, "HS256"),
        jwt.encode({"sub": "42", "ns": {"a": {"history_size": 1}}}, NEW, "HS256"),
        jwt.encode({"sub": "42", "ns": {"a": {"hsitory_size": 1}}}, NEW, "HS256"),
        jwt.encode({"sub": "42", "ns": ["a"]}, NEW, "HS256"),
        jwt.encode({"sub": "42", "channels": [1]}, NEW, "HS256"),
        jwt.encode({"sub": "42", "subs": ["a"]}, NEW, "HS256"),
        jwt.encode({"sub": "42"}, NEW, "HS256", headers={"crit": ["exp"], "exp": 1}),
        jwt.encode({"sub": "42"}, NEW, "HS384"),
        connection_token(NEW, "42") + "\n",
        " " + connection_token(NEW, "42"),
        connection_token(NEW, "42") + ".x",
        connection_token(NEW, "42").replace(".", ".\n", 1),
        connection_token(NEW, "42") + "=",
        connection_token(NEW, "42").rpartition(".")[0] + ".",
        connection_token("another-key-0123456789abcdefghijklm", "42"),
        jwt.encode({"sub": "42"}, NEW[:-1], "HS256"),
        jwt.encode({"sub": "42", "channels": "all"}, NEW, "HS256"),
        jwt.encode({"sub": "42", "nbf": time.time() + 3600}, NEW, "HS256"),
        connection_token(NEW, "42")[:-2],
        subscription_token(NEW, "42", "secret:x"),
    ],
)
def test_what_is_no_connection_token(token: str) -> None:
    """Malformed, unsigned, of another algorithm, cut short, or meant for something else."""
    with pytest.raises(InvalidToken):
        verifier().connection(token)


def test_connection_token_is_no_subscription_token() -> None:
    """It names no channel."""
    with pytest.raises(InvalidToken):
        verifier().subscription(connection_token(NEW, "42"))


@pytest.mark.parametrize(
    ("user", "error"), [(42, TypeError), (None, TypeError), (b"42", TypeError), ("\ud800", ValueError)]
)
def test_user_that_no_token_can_name_is_refused_when_it_is_made(user: Any, error: type[Exception]) -> None:
    """And not when somebody connects with it."""
    with pytest.raises(error, match="a user's id is"):
        connection_token(NEW, user)
    with pytest.raises(error, match="a user's id is"):
        subscription_token(NEW, user, "secret:x")
