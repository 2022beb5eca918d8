"""The page of the HTTP API says what is so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from ninja import NinjaAPI

from api.openapi_page import Operation, operations
from api.rest import api

pytestmark = pytest.mark.django_db
OPERATIONS = operations(api.get_openapi_schema())


def names(value: Any) -> Any:
    """What of an answer the page can know: its shape."""
    if isinstance(value, list):
        return [names(each) for each in value]
    return {key: type(each) for key, each in value.items()}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.summary)
def test_each_example_works(client: Client, operation: Operation) -> None:
    """As it is written, in a fresh installation; its answer has the names and types of the one that is shown."""
    body = json.dumps(operation.body) if operation.body else ""
    answer = client.generic(operation.method, operation.example, body, content_type="application/json")

    assert answer.status_code == 200
    assert names(answer.json()) == names(operation.answer)


def test_everything_is_on_the_page(client: Client) -> None:
    """Each operation with what to send and what comes back, and where programs read the same."""
    html = client.get("/api/docs").content.decode()
    increment = OPERATIONS[-1]

    assert [text for each in OPERATIONS for text in (each.summary, each.path) if text not in html] == []
    assert [field.name for field in increment.fields] == ["name", "by"]
    assert [answer.status for answer in increment.answers] == ["200", "400", "404", "409", "422"]
    assert "curl http://testserver/api/counters/demo/increment/" in html
    assert 'href="/api/openapi.json"' in html


def test_docstrings_are_text(client: Client) -> None:
    """With what HTML has, too; only backticks say more."""
    html = client.get("/api/docs").content.decode()

    assert "<code>X-Tandem-Position: &lt;epoch&gt;:&lt;offset&gt;</code>" in html


def test_an_api_that_says_little() -> None:
    """No docstring, no types, nothing that comes back."""
    silent = NinjaAPI(urls_namespace="silent")
    silent.post("/silent/{kind}")(lambda request, kind, about: None)
    [operation] = operations(silent.get_openapi_schema(path_prefix="/"))

    assert operation.text == ""
    assert [(field.name, field.place, field.says) for field in operation.fields] == [
        ("kind", "path", "string"),
        ("about", "query", "string"),
    ]
