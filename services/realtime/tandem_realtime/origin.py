"""Whether a page may open a connection: the Origin check (RFC 6455, section 10.2). No I/O here."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_ANY_BELOW = "*."


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454, section 4), a usual port filled in."""

    scheme: str
    host: str
    port: int | None


def is_allowed(headers: Iterable[tuple[bytes, bytes]], allowed: Sequence[str], *, is_secure: bool = False) -> bool:
    """
    Tell whether the Origin of a request may connect; *is_secure*: it is known that the request came over TLS.

    Without an Origin it comes from no page. Otherwise it is the host that the request was made to, or one of *allowed*:
    ``https://app.example.com``, ``https://*.example.com`` for all below that, ``*`` for any. Scheme and port count. A
    page that came over HTTP may be anybody's on its way, so it opens nothing over TLS unless it is listed.
    """
    if "*" in allowed:
        return True
    found = {name: value.decode("latin-1") for name, value in headers if name in (b"origin", b"host")}
    given = found.get(b"origin")
    if given is None:
        return True
    origin = _read(given)
    if origin is None:
        return given in allowed  # "null", for who lists it
    if any(_matches(origin, _read(each)) for each in allowed):
        return True
    return origin == _read(f"{origin.scheme}://{found.get(b'host', '')}") and not (
        is_secure and origin.scheme == "http"
    )


def _matches(origin: Origin, pattern: Origin | None) -> bool:
    if pattern is None or (origin.scheme, origin.port) != (pattern.scheme, pattern.port):
        return False
    if pattern.host.startswith(_ANY_BELOW):
        return origin.host.endswith(pattern.host[1:])
    return origin.host == pattern.host


@functools.lru_cache(maxsize=1024)
def _read(text: str) -> Origin | None:
    try:
        parts = urlsplit(text.lower())
        if not parts.scheme or not parts.hostname or parts.path.strip("/") or parts.query or "@" in parts.netloc:
            return None
        return Origin(parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return None
