"""What the project says about Tandem: the ``TANDEM`` dict of its settings, and the environment, read once."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any, get_origin, get_type_hints
from urllib.parse import parse_qsl, urlsplit

import msgspec
from django.conf import settings as django_settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.crypto import salted_hmac
from django.utils.module_loading import import_string
from redis import RedisError

from tandem.memory import SCHEME, is_memory
from tandem.namespaces import BUILT_IN, INTERNAL, Namespaces, namespace_name
from tandem.redis.address import Address, prefix_in, with_credentials
from tandem.redis.clustered import is_clustered
from tandem.tokens import Key, public_keys, secret_keys

PREFIX = "TANDEM_"
_PREFIX_TEXT = re.compile(r"[A-Za-z0-9._-]{0,64}")
_FILES_OF_ADDRESSES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_LOOPBACK = ("127.0.0.1", "::1", "[::1]", "localhost")

PATTERN_OPTIONS: Mapping[str, Any] = {"history_size": 300, "history_ttl": 3600, "recovery": True}
"""What a namespace is like that only a channel pattern declares."""

FORMER_VARIABLES = {
    **{f"REALTIME_{name}": name for name in ("PRIVATE_PORT",)},
    **{f"REALTIME_{name}": f"BIND_{name}" for name in ("HOST", "PORT")},
    **{
        name: name
        for name in (
            *("DRAIN_SECONDS", "MAX_CONNECTIONS", "HANDSHAKES_PER_SECOND", "MAX_MESSAGE_BYTES", "COMMANDS_PER_SECOND"),
            *("MAX_BUFFER_BYTES", "MAX_AGE_SECONDS", "PING_SECONDS", "PONG_SECONDS", "CONNECT_SECONDS", "BACKLOG"),
        )
    },
}
"""Names that 0.1 had, and what stands behind `PREFIX` in their place. They count until 0.3."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Every key of ``TANDEM``. Each is also the variable ``TANDEM_<KEY>``, which wins.

    In the environment a list is comma separated, a dict JSON, and a truth value 1 or 0. Sizes are bytes, times seconds.
    """

    # Both sides
    debug: bool = False
    """Development: no Redis is needed, and a key may be no secret. Django's DEBUG unless given."""
    redis_urls: list[str] = []
    """Where Redis is: each address is a shard. None in development and in tests: everything stays in one process."""
    redis_user: str = ""
    redis_password: str = ""
    """Who we are there, for addresses that do not say it."""
    redis_password_file: str = ""
    """A file with that password."""
    redis_prefix: str = ""
    """What names in Redis begin with where several deployments share it, in place of ``tandem`` and ``asgi``."""
    namespaces: dict[str, dict[str, Any] | None] = {}
    """Options by namespace, beside the built-in ones; None takes one of those away."""
    token_keys: list[str] = []
    """Secrets that sign and verify tokens: the first signs. Derived from SECRET_KEY unless given."""
    token_public_keys: list[str] = []
    """PEM public keys that verify tokens, where somebody else signs."""
    allowed_origins: list[str] = []
    """Origins that may open sockets beside the pages' own: ``https://a.example``, ``https://*.b.example``, or ``*``."""
    traces: bool = False
    """OpenTelemetry traces; where they go is said by the ``OTEL_`` variables."""
    log_level: str = "INFO"
    connection_log: bool = True
    """Whether the sockets log, at INFO, who came, who left, who was refused, and why."""
    max_publication_bytes: int = 1_048_576
    """How large the data of a publication may be; what is larger is refused where it is published."""

    position_seconds: int = 86_400
    """How long a channel's position outlives its stream: at least a day, in which no epoch may come a second time."""

    # The Django project
    api_keys: list[str] = []
    """Keys of the server API; none: it is closed."""
    user_id: Any = None
    """What users are called: a function of user and request (or None) that returns a text, or its dotted path."""
    anonymous: bool = False
    """Whether who is not logged in gets connection tokens and tickets too."""
    token_seconds: int = 600
    """How long the tokens live that the views answer with."""
    revocation_seconds: int = 3600
    """How long it is kept what was revoked: no token may live longer."""
    web_host: str = "0.0.0.0"
    web_port: int = 8000
    """Where gunicorn listens; read by `tandem.gunicorn`, from the environment alone."""
    metrics_port: int = 8001
    """The port of the web processes' ``/metrics``; 0: none. Read by `tandem.gunicorn`, from the environment alone."""

    # The inbox
    inbox_tenant: Any = None
    """Which tenant a request belongs to: a function of it that returns a text, or its dotted path. None: no tenants."""
    inbox_language: Any = None
    """Which language a user reads: a function of him that returns a code, or its dotted path. None: LANGUAGE_CODE."""
    inbox_hosts: list[str] = []
    """Hosts that a notification's URL may lead to; without any, it is relative."""
    inbox_site: str = ""
    """What goes before a relative URL in an email, for example ``https://shop.example``."""
    inbox_keep_days: int = 90
    """How long ``manage.py tandem prune`` keeps notifications."""

    # The sockets
    bind_host: str = "0.0.0.0"
    bind_port: int = 8100
    private_port: int = 8101
    """The port of ``/metrics``, ``/healthz`` and ``/readyz``."""
    trusted_proxies: list[str] = []
    """Addresses and networks of the proxies in front: what they forward says who the client is, in the scope."""
    insecure: bool = False
    """Let everybody do everything in every channel: for a client's tests on this machine. Needs debug and loopback."""
    http_app: str = ""
    """An ASGI application that answers every other path, for example ``mysite.asgi:application``."""
    urlpatterns: str = ""
    """The project's own Channels consumers: the dotted path of a list, for example ``mysite.routing.urlpatterns``."""
    channel_layer: str = ""
    """The alias in CHANNEL_LAYERS that the hub listens to; empty: a layer of our own over `redis_urls`."""
    drain_seconds: float = 30
    max_connections: int = 20_000
    max_connections_per_address: int | None = None
    """Of one address (IPv6: /64); 0: any number. None: 1000 where the address is surely one client's, no proxy's."""
    max_connections_per_user: int = 1000
    """In a process; one more, and the oldest goes (3504). 0: any number."""
    handshakes_per_second: float = 0
    handshakes_per_second_per_address: float | None = None
    """0: any number. None: 200 where the address is surely one client's, no proxy's."""
    max_message_bytes: int = 65_536
    max_body_bytes: int = 67_108_864
    """Of a request to `http_app`; without that no request but a command has a body that is read."""
    max_buffer_bytes: int = 1_048_576
    """What may wait for one client that does not read at once."""
    max_backlog_bytes: int = 67_108_864
    """What may wait beyond that, for all clients together, as long as they read."""
    slow_seconds: float = 10
    """A client that takes nothing for so long while more than its buffer waits is slow (3008)."""
    max_age_seconds: float = 0
    max_subscriptions: int = 128
    commands_per_second: float = 50
    recovery_limit: int = 0
    """The most publications that one recovery returns; 0: as many as the namespace keeps."""
    recovery_page_bytes: int = 262_144
    """A recovery larger than this goes out in pages of this size."""
    ping_seconds: float = 25
    pong_seconds: float = 8
    connect_seconds: float = 10
    backlog: int = 4096

    def __post_init__(self) -> None:
        if not _PREFIX_TEXT.fullmatch(self.redis_prefix):
            raise ValueError(f"redis_prefix is letters, digits, '-', '_' and '.', not {self.redis_prefix!r}")
        if len(self.redis_urls) > 1 and any(map(is_clustered, self.redis_urls)):
            raise ValueError("redis_urls: a cluster is the only address: it spreads the channels by itself")
        if self.position_seconds < 86_400:
            raise ValueError(f"position_seconds must be a day (86400) or more, not {self.position_seconds}")
        if self.pong_seconds >= self.ping_seconds:
            given = f"{self.pong_seconds:g} and {self.ping_seconds:g}"
            raise ValueError(f"pong_seconds must be less than ping_seconds, not {given}")
        if self.insecure and not (self.debug and self.bind_host in _LOOPBACK):
            raise ValueError("insecure opens every channel to everybody: it needs debug, and bind_host 127.0.0.1")
        if not 0 < self.token_seconds <= self.revocation_seconds:
            given = f"{self.token_seconds} and {self.revocation_seconds}"
            raise ValueError(f"token_seconds is 1 to revocation_seconds, not {given}")


def read(given: Mapping[str, Any], environ: Mapping[str, str], *, debug: bool = False) -> Settings:
    """
    Return what *given* (the ``TANDEM`` dict) and *environ* say together.

    Raises `ImproperlyConfigured`, naming the key or the variable, for what is unknown, malformed or a contradiction.
    """
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"TANDEM is a dict, not a {type(given).__name__}")
    values: dict[str, Any] = {"debug": debug}
    for name, value in given.items():
        if name not in _TYPES:
            raise ImproperlyConfigured(f"TANDEM has an unknown key {name!r}{_suggestion(name)}")
        values[name] = _checked(f"TANDEM[{name!r}]", name, value)
    for variable, name in variables(environ).items():
        values[name] = _checked(variable, name, _parse(variable, environ[variable], _TYPES[name]), strict=False)
    try:
        return Settings(**values)
    except ValueError as error:
        raise ImproperlyConfigured(f"TANDEM: {error}") from error


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of *environ* that are Tandem's, each with its key. A former name yields to today's."""
    former = {old: new.lower() for old, new in FORMER_VARIABLES.items() if old in environ}
    present = {PREFIX + name.upper(): name for name in _TYPES if PREFIX + name.upper() in environ}
    return {old: name for old, name in former.items() if name not in present.values()} | present


def declared_namespaces(given: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Mapping[str, Any]]:
    """Return the options of every namespace: the built-in ones, and what the project adds, changes or takes away."""
    every = {**BUILT_IN, **_of_patterns, **given, **INTERNAL}
    return {name: options for name, options in every.items() if options is not None}


def declare_namespace(name: str, options: Mapping[str, Any]) -> None:
    """
    Declare the namespace of a channel pattern. ``TANDEM["namespaces"]`` has the last word.

    Raises `ValueError` for options that cannot be, or that another pattern of the same namespace contradicts.
    """
    if name in BUILT_IN or name in INTERNAL:
        raise ValueError(f"namespace {name!r} is built in: give the pattern another one")
    if opened := [option for option in ("subscribe", "personal") if options.get(option)]:
        raise ValueError(f"namespace {name!r}: its pattern's function says who may subscribe, not {opened[0]!r}")
    base = PATTERN_OPTIONS if options.get("history_size", 1) else {}
    declared = {**base, **options}
    Namespaces({name: declared})
    if not options and name in _of_patterns:
        return
    if _of_patterns.get(name, declared) not in (declared, PATTERN_OPTIONS):
        raise ValueError(f"namespace {name!r} is declared by another pattern with other options")
    _of_patterns[name] = declared
    namespaces.cache_clear()


def declared_for(channels: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the options of those namespaces of *channels* that patterns declare: tokens carry them to the sockets."""
    names = {namespace_name(channel) for channel in channels} & _of_patterns.keys()
    given = settings().namespaces
    return {name: given.get(name) or _of_patterns[name] for name in sorted(names)}


@cache
def settings() -> Settings:
    """Return the settings of this process. Raises `ImproperlyConfigured` as `read` does."""
    return read(getattr(django_settings, "TANDEM", {}), os.environ, debug=bool(django_settings.DEBUG))


def function_of(key: str) -> Callable[..., Any] | None:
    """Return the function that is the value of *key*, or that its dotted path names; None where there is none."""
    wanted = getattr(settings(), key)
    found: Callable[..., Any] | None = import_string(wanted) if isinstance(wanted, str) and wanted else wanted or None
    return found


@cache
def namespaces() -> Namespaces:
    """Return the declared namespaces."""
    return Namespaces(declared_namespaces(settings().namespaces))


def redis_urls() -> tuple[str, ...]:
    """
    Return the address of each Redis shard: in development and tests, when none is given, the store of this process.

    Elsewhere raises `ImproperlyConfigured` when there is none.
    """
    if not settings().redis_urls:
        if settings().debug or is_testing():
            return (SCHEME,)
        raise ImproperlyConfigured("Redis is nowhere: set TANDEM['redis_urls'] or the variable TANDEM_REDIS_URLS")
    return _given_urls()


@cache
def _given_urls() -> tuple[str, ...]:
    given = settings()
    password = given.redis_password or _read_password(given.redis_password_file)
    return tuple(with_credentials(url, given.redis_user, password) for url in given.redis_urls)


def _read_password(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").rstrip("\r\n") if file else ""
    except OSError as error:
        raise ImproperlyConfigured(f"TANDEM['redis_password_file']: {error}") from error


def is_testing() -> bool:
    """Tell whether Django's test environment is set up, as its test runner and pytest-django do."""
    return hasattr(mail, "outbox")


@cache
def layer_prefix() -> str:
    """Return what the names of the channel layer begin with, in the database of Redis that the addresses name."""
    urls = [url for url in settings().redis_urls if not is_memory(url)]
    return prefix_in(Address.from_url(urls[0]).db if urls else 0, settings().redis_prefix)


@cache
def is_cluster() -> bool:
    """Tell whether Redis is in cluster mode, as its address says."""
    return any(map(is_clustered, settings().redis_urls))


@cache
def key_prefix() -> str:
    """Return what the names of keys begin with."""
    return settings().redis_prefix or "tandem"


@cache
def token_secrets() -> tuple[str, ...]:
    """Return the secrets of the tokens, the one that signs first: those given, or what follows from SECRET_KEY."""
    given = settings()
    if given.token_keys or given.token_public_keys:
        return tuple(given.token_keys)
    secrets = [django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS]
    return tuple(salted_hmac("tandem.tokens", "", secret, algorithm="sha256").hexdigest() for secret in secrets)


def verifying_keys() -> list[Key]:
    """Return every key that may verify a token."""
    return [*secret_keys(token_secrets()), *public_keys(settings().token_public_keys)]


_of_patterns: dict[str, Mapping[str, Any]] = {}
_ORIGIN = re.compile(r"\*|null|[A-Za-z][A-Za-z0-9+.-]*://(\*\.)?[^/*?#@\s]+/?")
_FUNCTIONS = ("user_id", "inbox_tenant", "inbox_language")
_TYPES: dict[str, Any] = {
    name: kind for name, kind in get_type_hints(Settings).items() if name in Settings.__struct_fields__
}


def _parse(variable: str, text: str, kind: Any) -> Any:
    """Turn the text of a variable into what the dict could hold in its place."""
    if variable == PREFIX + "TOKEN_PUBLIC_KEYS":
        return _pem_blocks(text)
    if variable == PREFIX + "REDIS_URLS":  # an address of Sentinels has commas of its own
        return [item.strip() for item in re.split(r",\s*(?=[a-z+]+://)", text.strip(" ,")) if item.strip()]
    if get_origin(kind) is list:
        return [item.strip() for item in text.split(",") if item.strip()]
    if get_origin(kind) is dict:
        try:
            return json.loads(text or "{}")
        except ValueError as error:
            raise ImproperlyConfigured(f"{variable}: not JSON: {error}") from error
    return text


def _checked(source: str, name: str, value: Any, *, strict: bool = True) -> Any:
    """Return *value* as the key *name* wants it, or raise `ImproperlyConfigured` naming its *source*."""
    if isinstance(value, tuple):
        value = list(value)
    try:
        value = msgspec.convert(value, _TYPES[name], strict=strict)
        if name == "namespaces":
            Namespaces(declared_namespaces(value))
        elif name in _FUNCTIONS and not (value is None or callable(value) or isinstance(value, str)):
            raise ValueError(f"a function or its dotted path, not a {type(value).__name__}")
        elif name == "redis_urls":
            for url in value:
                if not is_memory(url):
                    _check_address(url)
        elif name == "token_public_keys":
            public_keys(value)
        elif name == "allowed_origins":
            for origin in value:
                if not _ORIGIN.fullmatch(origin):
                    raise ValueError(f"{origin!r} is no origin, such as https://app.example or https://*.app.example")
        elif name == "trusted_proxies":
            for network in value:
                ip_network(network)
    except ValueError as error:  # msgspec's is one
        raise ImproperlyConfigured(f"{source}: {error}") from error
    return value


def _check_address(url: str) -> None:
    try:
        Address.from_url(url)
    except (OSError, RedisError) as error:  # a certificate that cannot be read
        files = [f"{name}={file}" for name, file in parse_qsl(urlsplit(url).query) if name in _FILES_OF_ADDRESSES]
        raise ValueError(f"{error}: {', '.join(files)}") from error


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), _TYPES, n=1)
    return f": did you mean {close[0]!r}?" if close else ""


def _pem_blocks(text: str) -> list[str]:
    end = "-----END PUBLIC KEY-----"
    return [block.strip() + "\n" + end + "\n" for block in text.split(end) if block.strip()]


def _forget(*, setting: str, **_: object) -> None:
    if setting in ("TANDEM", "DEBUG", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        for cached in (settings, namespaces, layer_prefix, is_cluster, key_prefix, token_secrets):
            cached.cache_clear()
        _given_urls.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tandem.conf")
