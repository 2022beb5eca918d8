"""The probes."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

POD = {"Host": "10.244.1.7:8000"}  # what the kubelet sends; no host of ours


def test_process_answers_under_any_host(client: Client) -> None:
    """Liveness asks for nothing else."""
    assert client.get("/healthz", headers=POD).json() == {"status": "ok"}


def test_ready_with_database_and_redis(client: Client) -> None:
    """Readiness asks both."""
    answer = client.get("/readyz", headers=POD)

    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "redis": "ok"})


@pytest.mark.usefixtures("redis_down")
def test_unready_without_redis_and_still_alive(client: Client) -> None:
    """Redis down takes the pod out of service and restarts nothing."""
    ready = client.get("/readyz", headers=POD)

    assert (ready.status_code, ready.json()) == (503, {"database": "ok", "redis": "unavailable"})
    assert client.get("/healthz", headers=POD).status_code == 200


def test_other_paths_check_the_host(client: Client) -> None:
    """Only the probes are before the host check."""
    assert client.get("/counter/", headers=POD).status_code == 400
