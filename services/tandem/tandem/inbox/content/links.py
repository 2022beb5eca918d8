"""Which addresses a notification may lead to. No I/O here."""

from __future__ import annotations

import unicodedata

from django.utils.http import url_has_allowed_host_and_scheme

from tandem import conf
from tandem.inbox.errors import InvalidNotification

MAX_LENGTH = 2000


def is_safe(url: str) -> bool:
    """
    Tell whether *url* is relative, or http(s) at a host of ``TANDEM["inbox_hosts"]``.

    Django judges, and takes some control characters out first; a browser may take out others, so none is let in.
    """
    if any(unicodedata.category(character)[0] == "C" for character in url) or "\\" in url:
        return False
    return url_has_allowed_host_and_scheme(url, allowed_hosts=set(conf.settings().inbox_hosts))


def check(url: str) -> str:
    """Return *url*, empty or safe, or raise `InvalidNotification`."""
    if not isinstance(url, str):
        raise InvalidNotification("url", f"a text, not a {type(url).__name__}")
    if len(url) > MAX_LENGTH:
        raise InvalidNotification("url", f"at most {MAX_LENGTH} characters, not {len(url)}")
    if url and not is_safe(url):
        raise InvalidNotification("url", f"relative, or http(s) of a host in TANDEM['inbox_hosts'], not {url[:100]!r}")
    return url


def shown(url: str) -> str:
    """Return *url* as it may be shown now: empty unless it is safe by today's settings."""
    return url if url and is_safe(url) else ""
