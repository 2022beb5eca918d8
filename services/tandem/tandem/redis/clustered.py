"""Addresses of a Redis in cluster mode: ``redis+cluster://host:6379,other:6379``. No I/O."""

from __future__ import annotations

from typing import NamedTuple

from tandem.redis.slots import Node

SCHEMES = ("redis+cluster://", "rediss+cluster://")
PORT = 6379
_HOW = "write redis+cluster://host:6379,other:6379"


class Clustered(NamedTuple):
    """What such an address says: some nodes, and how to greet each, with ``{}`` where its place goes."""

    nodes: tuple[Node, ...]
    form: str

    def url_of(self, node: Node) -> str:
        """Return the address of *node* as redis-py wants it."""
        host = f"[{node.host}]" if ":" in node.host else node.host
        return self.form.replace("{}", f"{host}:{node.port}")


def is_clustered(url: str) -> bool:
    """Tell whether *url* is one."""
    return url.startswith(SCHEMES)


def read_clustered(url: str) -> Clustered:
    """
    Read such an address. Raises `ValueError` for one that names no node, or a database: a cluster has only the first.

    The nodes named are where to ask for the others; one that answers is enough.
    """
    scheme, _, rest = url.partition("+cluster://")
    rest, mark, query = rest.partition("?")
    place, _, database = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    if not hosts:
        raise ValueError(f"an address of a cluster names some of its nodes: {_HOW}")
    if database not in ("", "0"):
        raise ValueError(f"a cluster has no database but 0, not {database!r}: set TANDEM_REDIS_PREFIX to share it")
    form = f"{scheme}://{user.replace('{}', '%7B%7D')}{at}{{}}/0{mark}{query}"
    return Clustered(tuple(map(_node, hosts.split(","))), form)


def _node(text: str) -> Node:
    host, colon, port = text.strip().rpartition(":")
    if not colon or text.strip().endswith("]"):
        return Node(text.strip().strip("[]"), PORT)
    if not port.isdigit():
        raise ValueError(f"a node has a host and a port, not {text!r}: {_HOW}")
    return Node(host.strip("[]"), int(port))
