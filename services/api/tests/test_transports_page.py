"""The transports page, and what it asks of the server about its own requests."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_five_lanes(client: Client) -> None:
    """Without JavaScript it says what each is."""
    html = client.get("/transports/").content.decode()

    assert html.count('class="lane"') == 5
    assert "<noscript>" in html


def test_without_a_realtime_service(client: Client, settings: Settings) -> None:
    """There is no channel: the page runs short polling alone."""
    settings.TANDEM_REALTIME_ENABLED = False

    assert 'data-channel=""' in client.get("/transports/").content.decode()


def test_the_head_of_a_request(client: Client) -> None:
    """The bytes of each header as HTTP/1.1 writes it; what the edge added is not the browser's."""
    sizes = client.get("/transports/head/", HTTP_USER_AGENT="x" * 10, HTTP_X_REQUEST_ID="0" * 32).json()

    assert sizes["user-agent"] == len("User-Agent: xxxxxxxxxx\r\n")
    assert "x-request-id" not in sizes
