"""The system checks: each misconfiguration is named, with its cure; a sane project hears nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.test import override_settings

from rig.overrides import override_tandem

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
MEMORY_LAYER = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ELSEWHERE = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": "redis://elsewhere"}]},
    }
}


def found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return Tandem's messages by their id."""
    messages = run_checks(tags=["tandem"], include_deployment_checks=deploy)
    return {str(each.id): each for each in messages if str(each.id).startswith("tandem.")}


def test_sane_project_hears_nothing() -> None:
    """The tests' own settings, with production's checks too."""
    with override_settings(SECRET_KEY="x" * 50):
        assert found(deploy=True) == {}


def test_every_wrong_key_is_named() -> None:
    """Not only the first."""
    with override_settings(TANDEM={"drain_secs": 1, "backlog": "many"}):
        messages = [each.msg for each in run_checks(tags=["tandem"]) if each.id == "tandem.E001"]

    assert messages == [
        "TANDEM has an unknown key 'drain_secs': did you mean 'drain_seconds'?",
        "TANDEM['backlog']: Expected `int`, got `str`",
    ]


def test_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the process that uses it would, but before that starts."""
    monkeypatch.setenv("TANDEM_BACKLOG", "many")

    assert found()["tandem.E001"].msg.startswith("TANDEM_BACKLOG: ")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"TANDEM": ["redis_urls"]}, "tandem.E002"),
        ({"TANDEM_NAMESPACES": {}}, "tandem.E003"),
        ({"CHANNEL_LAYERS": MEMORY_LAYER}, "tandem.W004"),
        ({"CHANNEL_LAYERS": ELSEWHERE}, "tandem.W005"),
        ({"ROOT_URLCONF": "tests.no_urls"}, "tandem.W002"),
        ({"DATABASES": {"default": SQLITE, "shop": {**SQLITE, "ATOMIC_REQUESTS": True}}}, "tandem.W006"),
    ],
)
def test_django_setting_is_named(settings: dict[str, Any], expected: str) -> None:
    """Each with a hint."""
    with override_settings(**settings):
        messages = found()

    assert [*messages] == [expected]
    assert messages[expected].hint


@pytest.mark.parametrize(
    ("tandem", "expected"),
    [
        ({"token_keys": ["short"]}, "tandem.W003"),
        ({"channel_layer": "other"}, "tandem.E004"),
        ({"namespaces": {"wall": {"subscribe": "anyone", "publish": "subscribers"}}}, "tandem.W007"),
    ],
)
def test_key_that_does_harm_is_named(tandem: dict[str, Any], expected: str) -> None:
    """It is of the right type, and wrong all the same."""
    with override_tandem(**tandem):
        messages = found()

    assert [*messages] == [expected]
    assert messages[expected].hint


@pytest.mark.parametrize(
    ("tandem", "secret", "expected"),
    [
        ({"redis_urls": []}, "x" * 50, "tandem.E005"),
        ({"redis_urls": ["memory://"]}, "x" * 50, "tandem.E006"),
        ({}, "django-insecure-" + "x" * 50, "tandem.E007"),
    ],
)
def test_production_is_checked_for_deployment_only(tandem: dict[str, Any], secret: str, expected: str) -> None:
    """In development the same is as it should be."""
    with override_settings(SECRET_KEY=secret), override_tandem(**tandem):
        without, messages = found(), found(deploy=True)

    assert (without, [*messages]) == ({}, [expected])


def test_former_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the name that it has today."""
    monkeypatch.setenv("DRAIN_SECONDS", "3")
    message = found()["tandem.W001"]

    assert message.hint == "Call it TANDEM_DRAIN_SECONDS. The former name counts until 0.3."


def test_atomic_requests_of_the_same_database_are_no_matter() -> None:
    """What is published on commit waits for the view's."""
    with override_settings(DATABASES={"default": {**SQLITE, "ATOMIC_REQUESTS": True}}):
        assert found() == {}
