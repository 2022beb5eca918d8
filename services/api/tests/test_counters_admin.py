"""Counters in the admin: a change there is a change like any other."""

from __future__ import annotations

import msgspec
import pytest
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from api.counters.models import Counter
from tandem import streams

pytestmark = pytest.mark.django_db


def published(name: str) -> list[object]:
    """What the stream of the counter *name* holds."""
    found = streams.history(f"public:counter.{name}", limit=-1).publications
    return [msgspec.json.decode(each.data) for each in found]


def test_new_value_is_published(
    admin_client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """Setting the value goes through the actions."""
    pk = Counter.objects.get().pk
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post(f"/admin/counters/counter/{pk}/change/", {"value": "41"})

    assert answer.status_code == 302
    assert published("demo") == [{"name": "demo", "value": 41, "version": 1}]


def test_saving_without_a_change_publishes_nothing(
    admin_client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """The version stays, so that open pages have nothing to do."""
    counter = Counter.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        admin_client.post(f"/admin/counters/counter/{counter.pk}/change/", {"value": "0"})

    assert (published("demo"), Counter.objects.get().version) == ([], 0)


def test_new_counter_is_published(
    admin_client: Client, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    """A counter made in the admin exists for the API and the pages."""
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin_client.post("/admin/counters/counter/add/", {"name": "visits", "value": "5"})

    assert answer.status_code == 302
    assert published("visits") == [{"name": "visits", "value": 5, "version": 1}]


@pytest.mark.parametrize("name", ["Visits", "a b", "a/b", "x" * 65, "demo"])
def test_name_that_cannot_be_a_channel_is_refused(admin_client: Client, name: str) -> None:
    """The form comes back."""
    answer = admin_client.post("/admin/counters/counter/add/", {"name": name, "value": "5"})

    assert (answer.status_code, Counter.objects.count()) == (200, 1)


def test_name_stays_and_the_row_too(admin_client: Client) -> None:
    """The channel is named after the counter, and versions must not start again."""
    pk = Counter.objects.get().pk
    admin_client.post(f"/admin/counters/counter/{pk}/change/", {"name": "other", "value": "1"})
    deleted = admin_client.post(f"/admin/counters/counter/{pk}/delete/", {"post": "yes"})

    assert (Counter.objects.get().name, deleted.status_code) == ("demo", 403)
