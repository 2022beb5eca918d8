"""Addresses of a Redis that Sentinels watch: ``redis+sentinel://host:26379,other:26379/master/0``. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

SCHEMES = ("redis+sentinel://", "rediss+sentinel://")
PORT = 26379
_HOW = "write redis+sentinel://host:26379,host:26379/master/0"


class Watched(NamedTuple):
    """What such an address says: how to greet the master, wherever it is, and whom to ask where that is."""

    url: str
    sentinels: tuple[tuple[str, int], ...]
    master_name: str
    sentinel_kwargs: Mapping[str, Any]


def is_watched(url: str) -> bool:
    """Tell whether *url* names Sentinels."""
    return url.startswith(SCHEMES)


def read_watched(url: str) -> Watched:
    """
    Read such an address. Raises `ValueError` for one that names no Sentinel or no master.

    ``sentinel_username`` and ``sentinel_password`` in its query are for the Sentinels themselves; everything else, user
    and password too, is for the master.
    """
    scheme, _, rest = url.partition("+sentinel://")
    rest, _, query = rest.partition("?")
    place, _, path = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    name, _, database = path.partition("/")
    if not hosts or not name:
        raise ValueError(f"an address of Sentinels names them and the master: {_HOW}")
    options = dict(parse_qsl(query))
    kwargs = {key: value for key in ("username", "password") if (value := options.pop(f"sentinel_{key}", ""))}
    url = f"{scheme}://{user}{at}{name}/{database or 0}{'?' if options else ''}{urlencode(options)}"
    return Watched(url, tuple(map(_host_and_port, hosts.split(","))), name, kwargs)


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip().strip("[]"), PORT
    if not port.isdigit():
        raise ValueError(f"a Sentinel has a host and a port, not {text!r}: {_HOW}")
    return host.strip("[]"), int(port)
