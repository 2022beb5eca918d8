"""Whether a page may open a connection: the Origin check (RFC 6455, section 10.2). No I/O here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_allowed(headers: Iterable[tuple[bytes, bytes]], allowed: Sequence[str]) -> bool:
    """
    Tell whether the Origin of a request may connect.

    Without an Origin it comes from no page. Otherwise it is the host that the request was made to, or one of *allowed*
    (``https://app.example.com`` in small letters, or ``*`` for any).
    """
    found = {name: value.decode("latin-1") for name, value in headers if name in (b"origin", b"host")}
    origin = found.get(b"origin")
    if origin is None or "*" in allowed:
        return True
    return origin.lower() in allowed or _is_same_host(origin, found.get(b"host", ""))


def _is_same_host(origin: str, host: str) -> bool:
    try:
        page, target = urlsplit(origin), urlsplit(f"{urlsplit(origin).scheme}://{host}")
        default = DEFAULT_PORTS.get(page.scheme)
        return bool(page.hostname) and (page.hostname, page.port or default) == (
            target.hostname,
            target.port or default,
        )
    except ValueError:
        return False
