"""Whose pages may connect."""

from __future__ import annotations

import pytest

from tandem_realtime.origin import is_allowed

ALLOWED = ("https://friend.example",)


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "app.example", True),
        ("https://app.example", "app.example", True),
        ("http://app.example", "app.example", True),
        ("http://app.example:8000", "app.example:8000", True),
        ("https://app.example", "app.example:443", True),
        ("http://[::1]:9000", "[::1]:9000", True),
        ("https://APP.example", "app.example", True),
        ("https://friend.example", "app.example", True),
        ("https://Friend.example", "app.example", True),
        ("http://friend.example", "app.example", False),
        ("https://evil.example", "app.example", False),
        ("https://app.example.evil.example", "app.example", False),
        ("https://app.example@evil.example", "app.example", False),
        ("http://app.example:8001", "app.example:8000", False),
        ("http://app.example", "app.example:8000", False),
        ("null", "app.example", False),
        ("", "app.example", False),
        ("", "", False),
        ("file://", "", False),
        ("http://app.example:x", "app.example", False),
        ("http://[", "app.example", False),
        ("\xff", "app.example", False),
    ],
)
def test_only_own_pages_and_friends(origin: str | None, host: str, allowed: bool) -> None:
    """The host that the request was made to, or one that is listed; scheme and port count."""
    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode("latin-1"))] if origin is not None else [])

    assert is_allowed(headers, ALLOWED) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example", True),
        ("http://app.example", False),
        ("http://app.example:443", False),
        ("http://plain.example", True),
    ],
)
def test_page_without_tls_opens_nothing_over_it(origin: str, allowed: bool) -> None:
    """Where it is known that the request came over TLS, whoever stands between could have written the page."""
    headers = [(b"host", b"app.example"), (b"origin", origin.encode())]

    assert is_allowed(headers, ("http://plain.example",), is_secure=True) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://a.friend.example", True),
        ("https://a.b.friend.example:443", True),
        ("https://friend.example", False),
        ("http://a.friend.example", False),
        ("https://a.friend.example:8443", False),
        ("https://afriend.example", False),
        ("https://a.friend.example.evil.example", False),
        ("https://x@a.friend.example", False),
        ("https://a.port.example:8443", True),
        ("https://a.port.example", False),
        ("https://exact.example", True),
        ("capacitor://localhost", True),
    ],
)
def test_wildcards_and_ports(origin: str, allowed: bool) -> None:
    """A star is for everything below a host, never the host itself; the usual port need not be said, another must."""
    friends = (
        "https://*.friend.example",
        "https://*.port.example:8443",
        "https://exact.example:443",
        "capacitor://localhost",
    )
    headers = [(b"host", b"app.example"), (b"origin", origin.encode())]

    assert is_allowed(headers, friends) is allowed


def test_star_is_anybody() -> None:
    """Also what is no origin at all."""
    assert is_allowed([(b"host", b"a"), (b"origin", b"https://b")], ("*",))
    assert is_allowed([(b"host", b"a"), (b"origin", b"null")], ("*",))
