"""Django's system checks for Tandem: each names what is wrong and what to do. Nothing is connected to: see doctor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.urls import NoReverseMatch, reverse

from tandem import conf
from tandem.memory import is_memory
from tandem.namespaces import INTERNAL

LAYER = "tandem.layer.ChannelLayer"
SAME_WIRE = (LAYER, "channels_redis.pubsub.RedisPubSubChannelLayer")
KEY_BYTES = 32  # RFC 7518, section 3.2: a key of HS256 is at least as long as its hash

Check = Callable[[conf.Settings], Iterator[CheckMessage]]


@register("tandem")
def check_settings(**_: Any) -> list[CheckMessage]:
    """Check ``TANDEM`` and its variables; the rest once these are right."""
    given = getattr(django_settings, "TANDEM", {})
    if not isinstance(given, Mapping):
        return [Error(f"TANDEM is a {type(given).__name__}", hint="It is a dict: TANDEM = {}.", id="tandem.E002")]
    found = [*_unread(given, os.environ), *_plain_settings(), *_former_variables(os.environ)]
    if any(each.is_serious() for each in found if each.id == "tandem.E001"):
        return found
    checks: Sequence[Check] = (_urls, _token_keys, _layers, _databases, _namespaces, _triggers)
    return found + [message for check in checks for message in check(conf.settings())]


@register("tandem", deploy=True)
def check_deployment(**_: Any) -> list[CheckMessage]:
    """Check what only counts where others can come: ``manage.py check --deploy``."""
    try:
        settings = conf.settings()
    except ImproperlyConfigured:
        return []  # said by check_settings
    return [*_no_redis(settings), *_insecure_keys(settings)]


def _unread(given: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[CheckMessage]:
    """Say everything that is wrong, not only the first."""
    problems = [_problem({name: value}, {}) for name, value in given.items()]
    problems += [_problem({}, {name: environ[name]}) for name in conf.variables(environ)]
    if not any(problems):
        problems = [_problem(given, environ)]
    for problem in filter(None, problems):
        yield Error(problem, hint="The keys of TANDEM are in the package's README.", id="tandem.E001")


def _problem(given: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    try:
        conf.read(given, environ)
    except ImproperlyConfigured as error:
        return str(error)
    return ""


def _plain_settings() -> Iterator[CheckMessage]:
    for name in conf.Settings.__struct_fields__:
        plain = conf.PREFIX + name.upper()
        if hasattr(django_settings, plain):
            hint = f"Write TANDEM = {{{name!r}: ...}}, or set the variable {plain} in the environment."
            yield Error(f"the setting {plain} is not read", hint=hint, id="tandem.E003")


def _former_variables(environ: Mapping[str, str]) -> Iterator[CheckMessage]:
    for former, key in conf.FORMER_VARIABLES.items():
        if former in environ:
            hint = f"Call it {conf.PREFIX}{key}. The former name counts until 0.3."
            yield Warning(f"the variable {former} has another name now", hint=hint, id="tandem.W001")


def _urls(_: conf.Settings) -> Iterator[CheckMessage]:
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return
    try:
        reverse("tandem:token")
    except NoReverseMatch:
        hint = 'Add path("realtime/", include("tandem.urls")) to the urls, or silence this where no page connects.'
        yield Warning("no page can get a token: tandem.urls is not included", hint=hint, id="tandem.W002")


def _token_keys(settings: conf.Settings) -> Iterator[CheckMessage]:
    if any(len(key.encode()) < KEY_BYTES for key in settings.token_keys):
        hint = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        yield Warning(f"a key in TANDEM['token_keys'] has less than {KEY_BYTES} bytes", hint=hint, id="tandem.W003")


def _layers(settings: conf.Settings) -> Iterator[CheckMessage]:
    layers: Mapping[str, Any] = getattr(django_settings, "CHANNEL_LAYERS", {})
    alias = settings.channel_layer
    if alias and alias not in layers:
        hint = "Name an alias of CHANNEL_LAYERS, or leave the key out: then the layer is one over redis_urls."
        yield Error(f"TANDEM['channel_layer'] is {alias!r}, which CHANNEL_LAYERS has not", hint=hint, id="tandem.E004")
        return
    name = alias or "default"
    if name not in layers:
        return
    backend, hosts = layers[name].get("BACKEND"), _hosts(layers[name])
    hint = f"Use {{'BACKEND': {LAYER!r}}}, which takes the addresses of TANDEM."
    if backend not in SAME_WIRE:
        text = f"CHANNEL_LAYERS[{name!r}] is {backend}: what consumers send to groups reaches no subscriber"
        yield Warning(text, hint=hint, id="tandem.W004")
    elif hosts and settings.redis_urls and hosts != settings.redis_urls:
        text = f"CHANNEL_LAYERS[{name!r}] points elsewhere than TANDEM['redis_urls']"
        yield Warning(text, hint=hint, id="tandem.W005")


def _hosts(layer: Mapping[str, Any]) -> list[str]:
    hosts = layer.get("CONFIG", {}).get("hosts") or []
    return [host.get("address", "") if isinstance(host, Mapping) else str(host) for host in hosts]


def _databases(_: conf.Settings) -> Iterator[CheckMessage]:
    """A view that is atomic in one database does not hold back rows of another."""
    from tandem.models import OutboxEntry  # the registry of apps is ready by now

    outbox = router.db_for_write(OutboxEntry)
    for alias, database in django_settings.DATABASES.items():
        if database.get("ATOMIC_REQUESTS") and alias != outbox:
            hint = f"Route the app tandem to {alias!r}, or call publish_on_commit(..., using={alias!r})."
            text = f"ATOMIC_REQUESTS holds back commits in {alias!r}, and the outbox is in {outbox!r}"
            yield Warning(text, hint=hint, id="tandem.W006")


def _namespaces(settings: conf.Settings) -> Iterator[CheckMessage]:
    declared = conf.namespaces()
    for name in conf.declared_namespaces(settings.namespaces):
        options = declared.of(f"{name}:x" if name else "x")
        if name not in INTERNAL and options.publish and options.subscribe == "anyone":
            hint = "Take 'publish' away and publish from a view, or let only 'authenticated' subscribe."
            text = f"anybody on the internet can publish to everyone in the namespace {name!r}"
            yield Warning(text, hint=hint, id="tandem.W007")


def _triggers(_: conf.Settings) -> Iterator[CheckMessage]:
    """A model whose changes only a trigger notices, and a database or project without any."""
    from tandem.changes.broadcast import with_triggers  # as above

    for broadcast in with_triggers().values():
        label = broadcast.model._meta.label
        if not apps.is_installed("pgtrigger"):
            hint = 'Add "pgtrigger" to INSTALLED_APPS, and run makemigrations and migrate.'
            yield Error(
                f"nobody notices changes of {label}: its triggers are not installed", hint=hint, id="tandem.E010"
            )
        elif connections[alias := router.db_for_write(broadcast.model)].vendor != "postgresql":
            hint = "Leave triggers=True out of its broadcasts, or use PostgreSQL in development too."
            yield Error(f"nobody notices changes of {label}: {alias!r} is not PostgreSQL", hint=hint, id="tandem.E011")


def _no_redis(settings: conf.Settings) -> Iterator[CheckMessage]:
    if settings.debug:
        return
    hint = "Set TANDEM['redis_urls'] or the variable TANDEM_REDIS_URLS to the same addresses on every side."
    if not settings.redis_urls:
        yield Error("no Redis: nothing can be published", hint=hint, id="tandem.E005")
    elif any(is_memory(url) for url in settings.redis_urls):
        yield Error("the memory backend serves one process, and forgets with it", hint=hint, id="tandem.E006")


def _insecure_keys(settings: conf.Settings) -> Iterator[CheckMessage]:
    derived = not (settings.token_keys or settings.token_public_keys)
    if derived and not settings.debug and django_settings.SECRET_KEY.startswith(("django-insecure-", "development-")):
        hint = "Set a SECRET_KEY that nobody has seen, or TANDEM['token_keys']."
        yield Error("the keys of the tokens follow from a SECRET_KEY that is no secret", hint=hint, id="tandem.E007")
