"""Where a Redis is and how to greet it: URLs, and the ``hosts`` entries of channels-redis, read once. No I/O."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from redis.asyncio.connection import SSLConnection, parse_url

from tandem.memory import is_memory
from tandem.redis.clustered import is_clustered, read_clustered
from tandem.redis.commands import Command
from tandem.redis.sentinels import is_watched, read_watched
from tandem.redis.slots import Node

CLIENT_NAME = "tandem"
LAYER_PREFIX = "asgi"


def prefix_in(database: int, prefix: str = "") -> str:
    """
    Return what the channel layer's names begin with in a *database*, so that two on one server do not hear each other.

    Redis keeps keys apart by database, but not what is published. Without a *prefix* it is channels-redis's.
    """
    return f"{prefix or LAYER_PREFIX}.{database}" if database else prefix or LAYER_PREFIX


def with_credentials(url: str, user: str, password: str) -> str:
    """Return *url* with *user* and *password*, unless it names its own or there are none."""
    scheme, separator, rest = url.partition("://")
    if not (user or password) or not rest or "@" in rest.split("/")[0] or is_memory(url):
        return url
    return f"{scheme}{separator}{quote(user, safe='')}:{quote(password, safe='')}@{rest}"


@dataclasses.dataclass(frozen=True)
class Address:
    """One Redis server, the name under which Sentinels know it, or a cluster: some of its nodes, or one of them."""

    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    db: int = 0
    username: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    client_name: str = CLIENT_NAME
    tls: ssl.SSLContext | None = None
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_options: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    master_name: str | None = None
    seeds: tuple[Node, ...] = ()
    """Nodes of a cluster that may be asked for its masters; the address of all of it, which nobody connects to."""
    is_node: bool = False
    """Whether this is one node of a cluster."""

    @classmethod
    def from_url(cls, url: str) -> Address:
        """
        Read a ``redis://``, ``rediss://`` or ``unix://`` URL, a ``redis+sentinel://`` or a ``redis+cluster://`` one.

        The query may carry what redis-py takes there (``db``, ``ssl_ca_certs``, ``client_name`` ...). Any other scheme
        raises `ValueError`.
        """
        return cls.from_host({"address": url})

    @classmethod
    def from_host(cls, host: Mapping[str, Any]) -> Address:
        """Read one entry of the ``hosts`` of channels-redis: redis-py's keyword arguments, and ``address``, a URL."""
        options = dict(host)
        if address := options.pop("address", None):
            options = {**read_url(address), **options}
        return cls(
            host=options.get("host") or "localhost",
            port=int(options.get("port") or 6379),
            path=options.get("path"),
            db=int(options.get("db") or 0),
            username=options.get("username"),
            password=options.get("password"),
            client_name=options.get("client_name") or CLIENT_NAME,
            tls=_tls_context(options),
            sentinels=tuple((name, int(port)) for name, port in options.get("sentinels") or ()),
            sentinel_options=options.get("sentinel_kwargs") or {},
            master_name=options.get("master_name"),
            seeds=options.get("seeds") or (),
        )

    @property
    def label(self) -> str:
        """The address as logs and errors show it: without credentials."""
        if self.seeds:
            return f"the cluster of {', '.join(f'{host}:{port}' for host, port in self.seeds)}"
        if self.master_name:
            return f"{self.master_name} of {', '.join(f'{host}:{port}' for host, port in self.sentinels)}/{self.db}"
        return f"{self.path or f'{self.host}:{self.port}'}/{self.db}"

    def at(self, node: Node) -> Address:
        """Return the address of one *node* of this cluster."""
        return dataclasses.replace(self, host=node.host, port=node.port, seeds=(), is_node=True)

    def greeting(self) -> list[Command]:
        """
        Return the commands that begin a connection, all but the last worth an OK.

        The PING at the end tells a Redis that is still loading its data from one that can serve.
        """
        commands: list[Command] = []
        if self.password is not None:
            user = (self.username,) if self.username else ()
            commands.append(("AUTH", *user, self.password))
        if self.db:
            commands.append(("SELECT", self.db))
        commands.append(("CLIENT", "SETNAME", self.client_name))
        commands.append(("PING",))
        return commands


def read_url(url: str) -> dict[str, Any]:
    """Return redis-py's keyword arguments for *url*. Raises `ValueError`."""
    if is_clustered(url):
        cluster = read_clustered(url)
        return {**parse_url(cluster.url_of(cluster.nodes[0])), "seeds": cluster.nodes}
    if not is_watched(url):
        return dict(parse_url(url))
    watched = read_watched(url)
    options = dict(parse_url(watched.url))
    kwargs = dict(watched.sentinel_kwargs)
    if options.get("connection_class") is SSLConnection:
        kwargs |= {"ssl": True, **{name: value for name, value in options.items() if name.startswith("ssl_")}}
    return {**options, "sentinels": watched.sentinels, "master_name": watched.master_name, "sentinel_kwargs": kwargs}


def _tls_context(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not (options.get("connection_class") is SSLConnection or options.get("ssl")):
        return None
    # redis-py's own class reads its own ssl_* options, so that a URL means the same here as there.
    names = {name: value for name, value in options.items() if name.startswith("ssl_")}
    return SSLConnection(**names).ssl_context.get()
