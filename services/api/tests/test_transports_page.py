"""The transports page, and what it asks of the server about its own requests."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from api.transports import processor

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


def test_processor_time_of_one_process(client: Client) -> None:
    """Pages that gunicorn does not serve have no processes of their own; without realtime no socket costs anything."""
    told = client.get("/transports/processor/").json()

    assert told["at"] > 0
    assert (told["pages"], told["sockets"]) == (None, 0)


@pytest.mark.usefixtures("redis_down")
def test_processor_time_without_redis(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be asked: 503, and why."""
    monkeypatch.setattr(processor, "KEPT_SECONDS", 1e-9)  # what the test before was told is old
    answer = client.get("/transports/processor/")

    assert answer.status_code == 503
    assert answer.json()["problem"]
