"""Django as the library's own tests need it, and servers that a test may break."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
import pytest_asyncio
import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from pytest_django import Settings

from rig.overrides import override_tandem
from rig.proxy import Proxy
from rig.servers import RedisServer, free_port
from tandem.layer import ChannelLayer
from tests.layers import Make

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client

    from tests.inbox_browser import Browser

NAMESPACES: dict[str, dict[str, Any]] = {
    "kept": {"history_size": 5, "history_ttl": 60},
    "live": {},
    "room": {"presence": True, "join_leave": True},
}
PARTIALS = ["template_partials"] if django.VERSION < (6, 0) else []  # Django 6 has them

settings.configure(
    TANDEM={"redis_urls": ["redis://127.0.0.1:6379/0"], "namespaces": NAMESPACES},
    CHANNEL_LAYERS={"default": {"BACKEND": "tandem.layer.ChannelLayer"}},
    SECRET_KEY="for tests",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "tandem",
        "tandem.live",
        "tandem.monitor",
        "tandem.inbox",
        *PARTIALS,
        "tests.shop",
    ],
    MIDDLEWARE=[
        "tandem.probes.ProbesMiddleware",
        "tandem.request_log.RequestLogMiddleware",
        "tandem.metrics.MetricsMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "DIRS": [Path(__file__).parent / "templates"],
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ],
                "builtins": [f"{name}.templatetags.partials" for name in PARTIALS],
            },
        }
    ],
    ROOT_URLCONF="tests.urls",
    STATIC_URL="/static/",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    """The library set up for the shared Redis; the value is a client to look behind its back."""
    with override_tandem(redis_urls=[redis_url]):
        with redis.Redis.from_url(redis_url) as client:
            yield client


@pytest.fixture
def project(settings: Settings, redis_url: str) -> None:
    """A project's web side: the shared Redis, the built-in namespaces, keys of the server API."""
    settings.TANDEM = {"redis_urls": [redis_url], "api_keys": ["old-key", "new-key"]}


@pytest.fixture
def redis_down(settings: Settings, project: None) -> None:
    """A Redis that is not there."""
    settings.TANDEM = {**settings.TANDEM, "redis_urls": [f"redis://127.0.0.1:{free_port()}/0"]}


@pytest.fixture
def live_site(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Iterator[None]:
    """A project with live blocks, and no permission function or source of another test's."""
    from tandem import conf  # Django is set up by now
    from tandem.auth import permissions
    from tandem.live import sources
    from tests.live_site import declare

    monkeypatch.setattr(permissions, "_permissions", {})
    monkeypatch.setattr(conf, "_of_patterns", {})
    monkeypatch.setattr(sources, "_sources", {})
    conf.namespaces.cache_clear()
    declare()
    with override_tandem(redis_urls=[redis_url], namespaces={}):
        yield
    conf.namespaces.cache_clear()


@pytest.fixture
def nothing_told() -> None:
    """What an earlier test logged of the outbox is not held back in the next."""
    from tandem.outbox import settling  # Django is set up by now

    settling._repeats.clear()


@pytest.fixture
def ann() -> User:
    """Whose inbox it is."""
    from tests.inboxes import user  # Django is set up by now

    return user("ann")


@pytest.fixture
def browser(ann: User) -> Browser:
    """Her browser."""
    from tests.inbox_browser import Browser  # Django is set up by now

    return Browser(ann)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may kill, freeze or restart."""
    with RedisServer(tmp_path) as server:
        yield server


@pytest_asyncio.fixture
async def proxy(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    """A way to the shared Redis that the test may cut or turn into a black hole."""
    async with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[list[Any]]:
    """The channel layers of the test, whose connections are closed after it."""
    layers: list[Any] = []
    yield layers
    for layer in layers:
        await layer.flush()


@pytest.fixture(params=[RedisPubSubChannelLayer, ChannelLayer], ids=["channels-redis", "tandem"])
def kind(request: pytest.FixtureRequest) -> type[Any]:
    """Each kind of layer in turn: what is asked of both is asked of the original too."""
    kind: type[Any] = request.param
    return kind


@pytest.fixture
def make(kind: type[Any], redis_url: str, opened: list[Any]) -> Make:
    """Make a layer of the kind under test on the shared Redis."""

    def make_one(**options: Any) -> Any:
        opened.append(kind(**{"hosts": [redis_url], **options}))
        return opened[-1]

    return make_one


@pytest.fixture
def ada() -> User:
    """Somebody whom live blocks show."""
    from django.contrib.auth.models import User

    return User.objects.create_user("ada", password="secret", first_name="Ada")


@pytest.fixture
def visitor(ada: User) -> Client:
    """Ada's browser, logged in."""
    from django.test import Client

    visitor = Client()
    visitor.force_login(ada)
    return visitor
