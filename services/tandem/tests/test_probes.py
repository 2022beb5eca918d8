"""The probes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("project")]

POD = {"Host": "10.244.1.7:8000"}  # what the kubelet sends; no host of ours


def test_process_answers_under_any_host(client: Client) -> None:
    """Liveness asks for nothing else."""
    assert client.get("/healthz", headers=POD).json() == {"status": "ok"}


def test_ready_with_database_and_schema(client: Client) -> None:
    """Readiness asks for both."""
    answer = client.get("/readyz", headers=POD)

    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "schema": "ok"})


@pytest.mark.usefixtures("redis_down")
def test_ready_without_redis(client: Client) -> None:
    """Writes wait in the outbox; if every pod left its Service for that, nobody would be there to take them."""
    assert client.get("/readyz", headers=POD).status_code == 200


def test_unready_while_the_schema_is_behind(client: Client) -> None:
    """A migration that was not applied yet; ready by itself once it is."""
    recorder = MigrationRecorder(connection)
    [latest] = MigrationLoader(connection).graph.leaf_nodes("tandem")
    recorder.record_unapplied(*latest)
    behind = client.get("/readyz", headers=POD)
    recorder.record_applied(*latest)

    assert (behind.status_code, behind.json()) == (503, {"database": "ok", "schema": "behind"})
    assert client.get("/readyz", headers=POD).status_code == 200


def test_ready_while_the_schema_is_ahead(client: Client) -> None:
    """The next release migrates before its pods start."""
    MigrationRecorder(connection).record_applied("tandem", "9999_of_the_next_release")

    assert client.get("/readyz", headers=POD).status_code == 200


def test_other_paths_check_the_host(client: Client) -> None:
    """Only the probes are before the host check."""
    assert client.get("/pages/a/", headers=POD).status_code == 400
