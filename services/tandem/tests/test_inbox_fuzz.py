"""Whatever a browser sends to the inbox: an answer of the form that is documented, and never an error of ours."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem.inbox import EVERYONE, notify
from tandem.inbox.web import shapes
from tests.inboxes import user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tandem_memory")]

TEXTS = st.text(max_size=60) | st.sampled_from(["", "a1", "1", "a", "\0", "\ud800", "9" * 30, "orders", "read", "seen"])
NUMBERS = st.integers() | st.sampled_from([0, 1, 2**63 - 1, 2**63, -1])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
MARKS = st.fixed_dictionaries(
    {"as": st.sampled_from(["seen", "read", "unread", "archived", "unarchived"]) | VALUES},
    optional={
        "ids": st.lists(TEXTS, max_size=4) | VALUES,
        "up_to": st.lists(NUMBERS, min_size=2, max_size=2) | VALUES,
        "category": TEXTS | VALUES,
    },
)
CHOICES = st.fixed_dictionaries(
    {"on": st.booleans() | VALUES}, optional=dict.fromkeys(("kind", "medium", "thread"), TEXTS | VALUES)
)
QUERIES = st.dictionaries(
    st.sampled_from(["unseen", "unread", "archived", "category", "limit", "cursor", "page"]),
    TEXTS.filter(lambda text: text.isprintable()) | NUMBERS.map(str) | st.sampled_from(["W10", "WzEsMV0", "bnVsbA"]),
)
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def client() -> Client:
    """Somebody with something in her inbox."""
    ann = user("ann")
    notify(ann, "order.shipped", data={"number": 7})
    notify(EVERYONE, "order.shipped", title="all")
    client = Client()
    client.force_login(ann)
    return client


def check(response: Any, shape: type[Any]) -> None:
    """Fail unless the answer is what the page of the API says."""
    assert response.status_code in (200, 400, 404)
    msgspec.json.decode(response.content, type=shape if response.status_code == 200 else shapes.Refusal)


@given(body=MARKS | VALUES)
@FUZZ
def test_any_mark(client: Client, body: Any) -> None:
    """Marks, and what is none."""
    check(client.post("/inbox/mark/", json.dumps(body), "application/json"), shapes.MarkAnswer)


@given(body=CHOICES | VALUES)
@FUZZ
def test_any_preference(client: Client, body: Any) -> None:
    """Choices, and what is none."""
    check(client.post("/inbox/preferences/", json.dumps(body), "application/json"), shapes.PreferencesAnswer)


@given(query=QUERIES)
@FUZZ
def test_any_query(client: Client, query: dict[str, str]) -> None:
    """Filters and cursors, and what is none."""
    check(client.get("/inbox/", query), shapes.ListAnswer)


@given(body=st.binary(max_size=200))
@FUZZ
def test_any_bytes(client: Client, body: bytes) -> None:
    """What is not even JSON."""
    check(client.post("/inbox/mark/", body, "application/json"), shapes.MarkAnswer)
