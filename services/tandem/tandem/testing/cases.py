"""The test kit for Django's own test cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem.testing import recorder
from tandem.testing.client import Client
from tandem.testing.memory import memory
from tandem.testing.recorder import ANYTHING, Published


class TandemMixin:
    """
    Beside ``TestCase``, ``TransactionTestCase`` or ``SimpleTestCase``: every test has an empty store and no Redis.

        class OrderTests(TandemMixin, TestCase):
            def test_shipping_is_told(self):
                ship(order)
                self.assert_published(f"order:{order.pk}", {"state": "shipped"})
    """

    def setUp(self) -> None:
        """Begin to record."""
        self.enterContext(memory())  # type: ignore[attr-defined]  # unittest's
        super().setUp()  # type: ignore[misc]

    def published(self, channel: str | None = None) -> list[Published]:
        """Return what was published: see `Recorder.published`."""
        return recorder.published(channel)

    def assert_published(
        self, channel: str, data: Any = ANYTHING, *, tags: Mapping[str, str] | None = None, times: int | None = None
    ) -> None:
        """Fail unless that was published: see `tandem.testing.assert_published`."""
        recorder.assert_published(channel, data, tags=tags, times=times)

    def assert_not_published(self, channel: str | None = None) -> None:
        """Fail if anything was published to *channel* (None: to any)."""
        recorder.assert_not_published(channel)

    def tandem_client(self, who: Any = None) -> Client:
        """Return a client with the permissions of *who*."""
        return Client(who)
