"""The ``TANDEM`` dict and the environment: what is unknown, missing or malformed is named."""

from __future__ import annotations

import re

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from rig.overrides import override_tandem
from tandem import conf
from tandem.conf import read
from tandem.namespaces import BUILT_IN, INTERNAL


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_environment_wins() -> None:
    """Lists are comma separated: spaces and empty items do not count."""
    settings = read(
        {"redis_urls": ["redis://a"], "drain_seconds": 5, "backlog": 7},
        {"TANDEM_REDIS_URLS": "redis://b/0, redis://c/0,", "TANDEM_DRAIN_SECONDS": "2.5", "TANDEM_TRACES": "1"},
    )

    assert settings.redis_urls == ["redis://b/0", "redis://c/0"]
    assert (settings.drain_seconds, settings.backlog, settings.traces) == (2.5, 7, True)


def test_former_variables_count_until_the_new_one_is_there() -> None:
    """0.1 had some without the prefix."""
    assert read({}, {"DRAIN_SECONDS": "3", "REALTIME_PORT": "9"}).bind_port == 9
    assert read({}, {"DRAIN_SECONDS": "3", "TANDEM_DRAIN_SECONDS": "4"}).drain_seconds == 4


def test_no_redis_is_named() -> None:
    """Whoever needs an address hears what to set."""
    with override_tandem(redis_urls=[]), pytest.MonkeyPatch.context() as patch:
        patch.setattr(conf, "is_testing", lambda: False)
        with pytest.raises(ImproperlyConfigured, match="TANDEM_REDIS_URLS"):
            conf.redis_urls()


INSECURE = "TANDEM: insecure opens every channel to everybody: it needs debug, and bind_host 127.0.0.1"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"drain_secs": 1}, "TANDEM has an unknown key 'drain_secs': did you mean 'drain_seconds'?"),
        ({"drain_seconds": "1"}, "TANDEM['drain_seconds']: Expected `float`, got `str`"),
        ({"redis_urls": "redis://a"}, "TANDEM['redis_urls']: Expected `array`, got `str`"),
        ({"insecure": True, "bind_host": "127.0.0.1"}, INSECURE),
        ({"insecure": True, "debug": True, "bind_host": "0.0.0.0"}, INSECURE),
        ({"insecure": True, "debug": True}, INSECURE),
        ({"pong_seconds": 25}, "TANDEM: pong_seconds must be less than ping_seconds, not 25 and 25"),
    ],
)
def test_what_is_wrong_is_named(given: dict[str, object], message: str) -> None:
    """Unknown keys, other types, contradictions."""
    with pytest.raises(ImproperlyConfigured) as refused:
        read(given, {})

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        *(
            ("TANDEM_NAMESPACES", text)
            for text in (
                *("{", "[]", "null", '"x"', '{"a":5}', '{"a":{"history_size":1}}', '{"a":{"sbscribe":"anyone"}}'),
                '{"a:b":{}}',
            )
        ),
        ("TANDEM_TOKEN_PUBLIC_KEYS", "nonsense"),
        ("TANDEM_TOKEN_PUBLIC_KEYS", pem(dsa.generate_private_key(1024))),
        ("TANDEM_MAX_CONNECTIONS", "many"),
        ("TANDEM_DEBUG", "maybe"),
    ],
)
def test_malformed_variable_is_named(variable: str, text: str) -> None:
    """The process dies at start, not at the first token or channel."""
    with pytest.raises(ImproperlyConfigured, match=rf"^{variable}: "):
        read({}, {variable: text})


def test_namespaces_come_beside_the_built_in_ones() -> None:
    """None takes one away."""
    declared = conf.declared_namespaces({"room": {"presence": True}, "public": None, "inbox": None})

    assert declared == {"room": {"presence": True}, "notifications": BUILT_IN["notifications"], **INTERNAL}


def test_public_keys_are_pem_blocks() -> None:
    """Several follow each other."""
    pems = [pem(rsa.generate_private_key(65537, 2048)), pem(ed25519.Ed25519PrivateKey.generate())]

    assert read({}, {"TANDEM_TOKEN_PUBLIC_KEYS": "\n".join(pems)}).token_public_keys == pems


def test_token_keys_follow_from_the_secret_key() -> None:
    """The fallbacks verify, so that SECRET_KEY can rotate; a derived key says nothing of its source."""
    with override_tandem(token_keys=[]), override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
        new, old = conf.token_secrets()
    with override_tandem(token_keys=[]), override_settings(SECRET_KEY="old"):
        assert conf.token_secrets() == (old,)

    assert len({new, old, "new", "old"}) == 4


@pytest.mark.parametrize("network", ["proxy.example", "10.0.0.1/8", "10.0.0.0/99"])
def test_trusted_proxies_are_addresses_and_networks(network: str) -> None:
    """A name, or a network with an address in it, would trust nobody or the wrong ones."""
    assert read({}, {"TANDEM_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}).trusted_proxies == ["10.0.0.0/8", "::1"]
    with pytest.raises(ImproperlyConfigured, match=r"TANDEM_TRUSTED_PROXIES: .*" + re.escape(network)):
        read({}, {"TANDEM_TRUSTED_PROXIES": network})
