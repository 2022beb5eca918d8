"""Settings from the environment: what is missing or malformed is named."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured

from tandem.settings import DEFAULT_NAMESPACES, from_environ

REQUIRED = {"TANDEM_REDIS_URLS": "redis://r:6379/0", "TANDEM_TOKEN_KEYS": "k"}


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_lists_are_comma_separated() -> None:
    """Spaces and empty items do not count."""
    environ = {"TANDEM_REDIS_URLS": "redis://a/0, redis://b/0,", "TANDEM_TOKEN_KEYS": "new,old"}
    settings = from_environ({**environ, "TANDEM_ALLOWED_ORIGINS": "https://a.example, https://b.example"})

    expected = {
        "TANDEM_DEBUG": False,
        "TANDEM_REDIS_URLS": ["redis://a/0", "redis://b/0"],
        "TANDEM_NAMESPACES": DEFAULT_NAMESPACES,
        "TANDEM_TOKEN_KEYS": ["new", "old"],
        "TANDEM_TOKEN_PUBLIC_KEYS": [],
        "TANDEM_ALLOWED_ORIGINS": ["https://a.example", "https://b.example"],
        "CHANNEL_LAYERS": {
            "default": {
                "BACKEND": "tandem.layer.ChannelLayer",
                "CONFIG": {"hosts": ["redis://a/0", "redis://b/0"]},
            }
        },
    }

    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize("name", list(REQUIRED))
def test_missing_variable_is_named(name: str) -> None:
    """Outside development there is no default for an address or a key; an empty one is a missing one."""
    with pytest.raises(ImproperlyConfigured, match=f"^{name} must be set"):
        from_environ({**REQUIRED, name: ""})


def test_development_needs_nothing() -> None:
    """TANDEM_DEBUG=1 is Redis on this machine and a key that says what it is."""
    settings = from_environ({"TANDEM_DEBUG": "1"})

    assert settings["TANDEM_REDIS_URLS"] == ["redis://127.0.0.1:6379/0"]
    assert settings["TANDEM_TOKEN_KEYS"] == ["for-development-only-never-in-production"]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "null", '"x"', '{"a":5}', '{"a":{"history_size":1}}', '{"a":{"sbscribe":"anyone"}}', '{"a:b":{}}'],
)
def test_malformed_namespaces_are_named(text: str) -> None:
    """JSON that does not parse, is no object, or declares what cannot be."""
    with pytest.raises(ImproperlyConfigured, match=r"^TANDEM_NAMESPACES: "):
        from_environ({**REQUIRED, "TANDEM_NAMESPACES": text})


def test_namespaces_are_json() -> None:
    """What is declared takes the place of the defaults."""
    assert from_environ({**REQUIRED, "TANDEM_NAMESPACES": '{"a":{"presence":true}}'})["TANDEM_NAMESPACES"] == {
        "a": {"presence": True}
    }


def test_public_keys_are_pem_blocks_and_need_no_secret() -> None:
    """Several follow each other."""
    pems = [pem(rsa.generate_private_key(65537, 2048)), pem(ed25519.Ed25519PrivateKey.generate())]
    settings = from_environ({"TANDEM_REDIS_URLS": "redis://r", "TANDEM_TOKEN_PUBLIC_KEYS": "\n".join(pems)})

    assert settings["TANDEM_TOKEN_PUBLIC_KEYS"] == pems
    assert settings["TANDEM_TOKEN_KEYS"] == []


@pytest.mark.parametrize("text", ["nonsense", pem(dsa.generate_private_key(1024))], ids=["no PEM", "DSA"])
def test_malformed_public_key_is_named(text: str) -> None:
    """The process dies at start, not at the first token."""
    with pytest.raises(ImproperlyConfigured, match=r"^TANDEM_TOKEN_PUBLIC_KEYS: "):
        from_environ({**REQUIRED, "TANDEM_TOKEN_PUBLIC_KEYS": text})
