"""Whom a scope names as its client: the headers of trusted proxies, and of nobody else. No sockets."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_realtime.server.forwarded import TrustedProxies

PROXIES = ["10.0.0.0/8", "127.0.0.1", "fd00::/8"]


def told(*headers: tuple[str, str], peer: str = "10.0.0.1", kind: str = "websocket") -> tuple[Any, str]:
    """Return client and scheme of a request that *peer* sent with *headers*."""
    scheme = "ws" if kind == "websocket" else "http"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope: dict[str, Any] = {"type": kind, "client": [peer, 5000], "scheme": scheme, "headers": raw}
    TrustedProxies(PROXIES).tell(scope)
    return tuple(scope["client"]), scope["scheme"]


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("203.0.113.9", ("203.0.113.9", 0)),
        ("203.0.113.9:4711", ("203.0.113.9", 4711)),
        ("203.0.113.9:99999999", ("203.0.113.9", 0)),
        ("2001:db8::1", ("2001:db8::1", 0)),
        ("[2001:db8::1]:4711", ("2001:db8::1", 4711)),
        ("[2001:db8::1]", ("2001:db8::1", 0)),
        ("::ffff:203.0.113.9", ("203.0.113.9", 0)),
        ("6.6.6.6, 203.0.113.9, 10.2.2.2", ("203.0.113.9", 0)),  # the first one is what the client said
        ("10.3.3.3, 10.2.2.2", ("10.3.3.3", 0)),
        ("203.0.113.9, unknown", ("10.0.0.1", 5000)),
        ("203.0.113.9, unknown, 10.2.2.2", ("10.2.2.2", 0)),
        ("", ("10.0.0.1", 5000)),
        ("<script>", ("10.0.0.1", 5000)),
    ],
)
def test_client_is_the_last_that_is_no_proxy(forwarded: str, client: tuple[str, int]) -> None:
    """Each proxy appends whom it was asked by; what stands before an address that is no proxy's, anybody can write."""
    assert told(("X-Forwarded-For", forwarded))[0] == client


def test_header_may_come_in_parts() -> None:
    """They are one list."""
    assert told(("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.9,10.2.2.2"))[0] == ("203.0.113.9", 0)


@pytest.mark.parametrize("peer", ["198.51.100.1", "::1", "somewhere"])
def test_nobody_else_is_believed(peer: str) -> None:
    """Whoever reaches the port past the proxies says nothing about himself."""
    headers = ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")

    assert told(*headers, peer=peer) == ((peer, 5000), "ws")


@pytest.mark.parametrize("peer", ["::ffff:10.0.0.1", "fd00::1", "127.0.0.1"])
def test_proxy_is_known_on_any_socket(peer: str) -> None:
    """One socket takes IPv4 and IPv6: there an IPv4 address is written as IPv6."""
    assert told(("X-Forwarded-For", "203.0.113.9"), peer=peer)[0] == ("203.0.113.9", 0)


@pytest.mark.parametrize(
    ("kind", "forwarded", "scheme"),
    [
        ("websocket", "https", "wss"),
        ("websocket", "WSS", "wss"),
        ("websocket", "http", "ws"),
        ("http", "https", "https"),
        ("http", "wss", "https"),
        ("http", "https, http", "http"),
        ("http", "gopher", "http"),
        ("http", "", "http"),
    ],
)
def test_scheme_is_what_the_proxy_was_asked_over(kind: str, forwarded: str, scheme: str) -> None:
    """In the words of the kind of scope; of several only the last is surely a proxy's."""
    assert told(("X-Forwarded-Proto", forwarded), kind=kind)[1] == scheme


def test_what_is_no_network_is_refused() -> None:
    """At the start, with a name."""
    with pytest.raises(ValueError, match=r"proxy\.example"):
        TrustedProxies(["proxy.example"])
