"""The memory backend for the length of a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.conf import settings
from django.test import override_settings

from tandem.memory import SCHEME, serving
from tandem.memory.store import store
from tandem.testing import recorder
from tandem.testing.recorder import Recorder

_VARIABLE = "TANDEM_REDIS_URLS"


@contextmanager
def memory() -> Iterator[Recorder]:
    """
    Have everything happen in this process, in an empty store, whatever address of a Redis the project has.

    The value records what is published.
    """
    kept = Recorder()
    environ = {name: value for name, value in os.environ.items() if name != _VARIABLE}
    changes = {"TANDEM": {**getattr(settings, "TANDEM", {}), "redis_urls": [SCHEME]}}
    if hasattr(settings, "CHANNEL_LAYERS"):
        changes["CHANNEL_LAYERS"] = settings.CHANNEL_LAYERS  # made anew, over the store
    serving.serve()
    store().flush()
    with patch.dict(os.environ, environ, clear=True), override_settings(**changes), store().tapped(kept.take):
        recorder.start(kept)
        try:
            yield kept
        finally:
            recorder.stop(kept)
