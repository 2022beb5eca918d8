"""What a project's web processes count."""

from __future__ import annotations

import pytest
from django.test import Client
from prometheus_client import REGISTRY

from tandem import publish
from tandem.metrics import sampling
from tandem.models import OutboxEntry
from tandem.shards import shards

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]


def sample(name: str, **labels: str) -> float:
    """The value of a series, zero if it is not there yet."""
    return REGISTRY.get_sample_value(name, labels) or 0


def test_request_is_counted_under_its_pattern(client: Client) -> None:
    """Whatever stands in the path, the label is the route."""
    labels = {"method": "GET", "route": "pages/<name>/", "status": "404"}
    before = sample("tandem_http_requests_total", **labels)
    for visitor in range(3):
        client.get(f"/pages/visitor-{visitor}/")

    assert sample("tandem_http_requests_total", **labels) - before == 3


@pytest.mark.parametrize(("method", "path", "labels"), [
    ("GET", "/nowhere/at/all", ("GET", "unmatched")),
    ("BREW", "/pages/a/", ("OTHER", "pages/<name>/")),
])  # fmt: skip
def test_what_strangers_send_makes_no_series(client: Client, method: str, path: str, labels: tuple[str, str]) -> None:
    """Unknown paths and methods share a label."""
    before = sample("tandem_http_request_seconds_count", method=labels[0], route=labels[1])
    client.generic(method, path)

    assert sample("tandem_http_request_seconds_count", method=labels[0], route=labels[1]) - before == 1


def test_publish_is_counted_by_outcome(client: Client) -> None:
    """One request, one publish, one duration."""
    before = sample("tandem_publishes_total", outcome="ok"), sample("tandem_publish_seconds_count")
    client.post("/pages/a/")

    after = sample("tandem_publishes_total", outcome="ok"), sample("tandem_publish_seconds_count")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_sampling_looks_at_the_pool_and_the_outbox() -> None:
    """Connections by state (others of this process may have left some), and what waits for Redis."""
    for client in shards().clients:
        client.connection_pool.reset()
    publish("public:page", {})
    OutboxEntry.objects.create(channel="public:page", data="{}")
    sampling.sample()

    assert sample("tandem_redis_pool_connections", state="idle") == 1
    assert sample("tandem_redis_pool_connections", state="in_use") == 0
    assert sample("tandem_outbox_pending") == 1
