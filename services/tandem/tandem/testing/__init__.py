"""
For a team's own tests: no Redis, what was published, and who may hear it.

With pytest the fixtures ``tandem_memory``, ``published`` and ``tandem_client`` are there by themselves; a ``TestCase``
takes `TandemMixin`. Both record what `publish_on_commit` wrote inside the test's transaction, which never commits.
"""

from tandem.testing.cases import TandemMixin
from tandem.testing.client import Client, NotAllowed, Subscription
from tandem.testing.memory import memory
from tandem.testing.notified import Notified, notified
from tandem.testing.recorder import (
    Published,
    Recorder,
    assert_not_published,
    assert_published,
    published,
)

__all__ = [
    "Client",
    "NotAllowed",
    "Notified",
    "Published",
    "Recorder",
    "Subscription",
    "TandemMixin",
    "assert_not_published",
    "assert_published",
    "memory",
    "notified",
    "published",
]
