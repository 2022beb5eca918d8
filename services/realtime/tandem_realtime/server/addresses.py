"""How many connections each address has, and how fast it makes them: nobody takes the whole process. No I/O here."""

from __future__ import annotations

import functools
from collections import Counter
from ipaddress import IPv6Address, ip_address, ip_network

from .limits import TokenBucket

USUAL_CONNECTIONS = 1000
USUAL_HANDSHAKES_PER_SECOND = 200.0
_MOST_BUCKETS = 10_000
_SITE_BITS = 64


class Addresses:
    """
    Say for each address whether one more connection is too many.

    *connections* and *handshakes_per_second* are the limits of one address, 0 for none. None means the usual ones, and
    these spare who may be a proxy that nobody told us of (see `is_surely_one_client`): everybody comes from there.
    """

    def __init__(self, connections: int | None, handshakes_per_second: float | None) -> None:
        self._connections = connections
        self._rate = handshakes_per_second
        self._counts: Counter[str] = Counter()
        self._buckets: dict[str, TokenBucket] = {}

    def is_full(self, address: str, *, is_told: bool) -> bool:
        """Tell whether *address* has all the connections that it may have. *is_told*: by a trusted proxy."""
        most = self._connections
        if most is None:
            most = USUAL_CONNECTIONS if is_told or is_surely_one_client(address) else 0
        return bool(most and address) and self._counts[site_of(address)] >= most

    def take(self, address: str, now: float, *, is_told: bool) -> float:
        """Take note of a handshake and return 0, or return the seconds until *address* may make one."""
        rate = self._rate
        if rate is None:
            rate = USUAL_HANDSHAKES_PER_SECOND if is_told or is_surely_one_client(address) else 0
        if not rate or not address:
            return 0.0
        site = site_of(address)
        bucket = self._buckets.get(site)
        if bucket is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._forget_idle(now)
            bucket = self._buckets[site] = TokenBucket(rate, now)
        return bucket.take(now)

    def enter(self, address: str) -> str:
        """Count a connection; return what it is to `leave` with."""
        site = site_of(address) if address and self._connections != 0 else ""
        if site:
            self._counts[site] += 1
        return site

    def leave(self, site: str) -> None:
        """Count a connection no more."""
        if site:
            self._counts[site] -= 1
            if self._counts[site] <= 0:
                del self._counts[site]

    def _forget_idle(self, now: float) -> None:
        self._buckets = {site: bucket for site, bucket in self._buckets.items() if not bucket.is_full(now)}
        if len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()  # so many at once that no address stands out


@functools.lru_cache(maxsize=4096)
def site_of(address: str) -> str:
    """Return what counts as one: an address of IPv4; of IPv6 the network of 64 bits that one customer has."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _SITE_BITS), strict=False))


@functools.lru_cache(maxsize=4096)
def is_surely_one_client(address: str) -> bool:
    """Tell whether *address* is one of the public network. A private one, or this machine's, may well be a proxy's."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(parsed, "ipv4_mapped", None) or parsed).is_global
