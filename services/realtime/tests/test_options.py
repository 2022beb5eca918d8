"""Options are the Django settings of the same names."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from tandem_realtime.options import Options


def test_settings_become_options() -> None:
    """What is not set has its default; origins lose what does not belong to an origin."""
    with override_settings(PING_SECONDS=30.0, TANDEM_ALLOWED_ORIGINS=["https://App.example/", "*"]):
        options = Options.from_settings()

    assert options.ping_seconds == 30.0
    assert options.max_subscriptions == 128
    assert options.allowed_origins == ("https://app.example", "*")


def test_pong_must_come_before_the_next_ping() -> None:
    """Otherwise a proxy that waits for PING_SECONDS would cut the connection."""
    with pytest.raises(ImproperlyConfigured) as refused:
        Options(ping_seconds=5, pong_seconds=5)

    assert str(refused.value) == "PONG_SECONDS must be less than PING_SECONDS, not 5 and 5"
