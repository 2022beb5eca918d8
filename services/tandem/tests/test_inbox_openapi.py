"""The inbox's OpenAPI page says what is so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from jsonschema import Draft202012Validator

from tandem.inbox.web.openapi import description

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("tandem_memory")]


def test_openapi_page_has_every_route(ann: User) -> None:
    """And tells nothing of anybody: who is not logged in may read it."""
    page = Client().get("/inbox/openapi.json").json()

    assert page == json.loads(json.dumps(description("/inbox/")))
    assert set(page["paths"]) == {"/", "/counts/", "/items/{id}/", "/mark/", "/preferences/"}
    assert page["servers"] == [{"url": "/inbox"}]


@pytest.mark.parametrize(
    ("name", "body", "is_right"),
    [
        ("Mark", {"as": "read", "ids": ["o1"]}, True),
        ("Mark", {"as": "read", "ids": ["o1"], "up_to": None}, True),
        ("Mark", {"as": "read", "up_to": [1, 2]}, True),
        ("Mark", {"as": "read"}, False),
        ("Mark", {"as": "read", "ids": None, "up_to": None}, False),
        ("Mark", {"as": "read", "ids": ["o1"], "up_to": [1, 2]}, False),
        ("Choice", {"on": True, "kind": "order.shipped", "medium": "email"}, True),
        ("Choice", {"on": True, "thread": "x"}, True),
        ("Choice", {"on": True}, False),
        ("Choice", {"on": True, "kind": "order.shipped"}, False),
        ("Choice", {"on": True, "kind": "order.shipped", "medium": "email", "thread": "x"}, False),
    ],
)
def test_openapi_page_says_which_fields_go_together(name: str, body: dict[str, Any], is_right: bool) -> None:
    """As the views do, which refuse what has both sides or neither."""
    schemas = description("/inbox/")["components"]["schemas"]

    assert Draft202012Validator(schemas[name]).is_valid(body) == is_right
