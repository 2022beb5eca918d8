"""Who a client is that comes through a proxy: what the headers of a trusted one say. No I/O here."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, MutableMapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

_IS_SECURE = {b"http": False, b"ws": False, b"https": True, b"wss": True}
_SCHEMES = {("http", False): "http", ("http", True): "https", ("websocket", False): "ws", ("websocket", True): "wss"}


class TrustedProxies:
    """
    The addresses and networks (``10.0.0.0/8``) whose word counts.

    Anybody can send the headers. Of X-Forwarded-For each proxy appends the address that it was asked from, so only what
    stands behind the last address that is not a proxy's was written by one. Raises `ValueError` for what is no network.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = [ip_network(network) for network in networks]
        self._is_one = functools.lru_cache(maxsize=1024)(self._find)

    def is_one(self, host: str) -> bool:
        """Tell whether *host* is one of them."""
        return bool(self._networks) and self._is_one(host)

    def tell(self, scope: MutableMapping[str, Any]) -> None:
        """Have the ASGI *scope* say what the client is to the outermost trusted proxy, if there is one."""
        if not self._networks or not scope["client"] or not self._is_one(scope["client"][0]):
            return
        headers = scope["headers"]
        for host, port in reversed(list(_hops(_values(headers, b"x-forwarded-for")))):
            if not host:
                break  # an address that is none: the proxy behind it is all that we know
            scope["client"] = [host, port]
            if not self._is_one(host):
                break
        # Of more than one only the last is surely a proxy's.
        if (schemes := _values(headers, b"x-forwarded-proto")) and schemes[-1].lower() in _IS_SECURE:
            scope["scheme"] = _SCHEMES[scope["type"], _IS_SECURE[schemes[-1].lower()]]

    def _find(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self._networks)


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return the values of a header, which may come more than once and hold a list each time."""
    return [part.strip() for header, value in headers if header == name for part in value.split(b",")]


def _hops(values: Iterable[bytes]) -> Iterator[tuple[str, int]]:
    """Return address and port (0: not told) of each entry; an empty address for what is none."""
    for value in values:
        text, port = value.decode("latin-1"), ""
        if text.startswith("["):
            text, _, port = text[1:].partition("]")
            port = port.removeprefix(":")
        elif text.count(":") == 1:
            text, _, port = text.partition(":")
        address = _address(text)
        yield str(address) if address else "", int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; one of IPv4 that came over a socket of both kinds is one of IPv4."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
