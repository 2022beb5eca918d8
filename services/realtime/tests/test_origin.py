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


def test_star_is_anybody() -> None:
    """Also what is no origin at all."""
    assert is_allowed([(b"host", b"a"), (b"origin", b"https://b")], ("*",))
    assert is_allowed([(b"host", b"a"), (b"origin", b"null")], ("*",))
