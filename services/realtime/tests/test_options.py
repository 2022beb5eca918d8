"""Options are the keys of TANDEM of the same names."""

from __future__ import annotations

from rig.overrides import override_tandem
from tandem_realtime.options import Options


def test_settings_become_options() -> None:
    """What is not set has its default; origins lose what does not belong to an origin."""
    with override_tandem(ping_seconds=30.0, allowed_origins=["https://App.example/", "*"]):
        options = Options.from_settings()

    assert options.ping_seconds == 30.0
    assert options.max_subscriptions == 128
    assert options.allowed_origins == ("https://app.example", "*")
