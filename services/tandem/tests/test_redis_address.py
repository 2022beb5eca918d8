"""Addresses of Redis, from URLs and from the hosts of channels-redis."""

import ssl
from typing import Any

import pytest

from tandem.redis.address import Address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://redis", Address(host="redis")),
        ("redis://10.0.0.1:7000/3", Address(host="10.0.0.1", port=7000, db=3)),
        ("redis://:p%40ss@redis:1/0", Address(host="redis", port=1, password="p@ss")),
        ("redis://ann:secret@redis", Address(host="redis", username="ann", password="secret")),
        ("redis://redis?client_name=me&db=2", Address(host="redis", db=2, client_name="me")),
        ("unix:///run/redis.sock?db=1", Address(path="/run/redis.sock", db=1)),
    ],
)
def test_url(url: str, expected: Address) -> None:
    """A URL means what it means to redis-py."""
    assert Address.from_url(url) == expected


def test_tls_url_verifies_by_default() -> None:
    """rediss:// checks the certificate and the name unless told otherwise."""
    strict = Address.from_url("rediss://redis").tls
    lax = Address.from_url("rediss://redis?ssl_cert_reqs=none").tls

    assert strict is not None
    assert (strict.verify_mode, strict.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert lax is not None
    assert (lax.verify_mode, lax.check_hostname) == (ssl.CERT_NONE, False)


def test_other_schemes_are_refused() -> None:
    """A URL of something else is a mistake in the configuration."""
    with pytest.raises(ValueError, match="redis://, rediss://, unix://"):
        Address.from_url("http://redis")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({"host": "redis", "port": 7000}, Address(host="redis", port=7000)),
        ({"address": "redis://redis/1", "password": "secret"}, Address(host="redis", db=1, password="secret")),
        (
            {"sentinels": [("s1", 26379), ("s2", 26379)], "master_name": "main", "db": 1, "socket_timeout": None},
            Address(sentinels=(("s1", 26379), ("s2", 26379)), master_name="main", db=1),
        ),
    ],
)
def test_host(host: dict[str, Any], expected: Address) -> None:
    """The hosts of channels-redis are read; options that only redis-py has a use for are passed over."""
    assert Address.from_host(host) == expected


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("redis://ann:secret@redis:7000/2", "redis:7000/2"),
        ("unix:///run/redis.sock", "/run/redis.sock/0"),
    ],
)
def test_label_has_no_credentials(url: str, label: str) -> None:
    """What logs and errors show carries no password."""
    address = Address.from_url(url)

    assert address.label == label
    assert "secret" not in repr(address)


def test_greeting() -> None:
    """A connection begins with who we are, which database, and a ping."""
    assert Address.from_url("redis://ann:secret@redis/2").greeting() == [
        ("AUTH", "ann", "secret"),
        ("SELECT", 2),
        ("CLIENT", "SETNAME", "tandem"),
        ("PING",),
    ]
    assert Address.from_url("redis://:secret@redis").greeting()[0] == ("AUTH", "secret")
