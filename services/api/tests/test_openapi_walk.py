"""Every operation of the OpenAPI page, called with what nobody should send: it answers what the page says it does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.rest import api

SCHEMA: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(), default=str))
OPERATIONS = [(path, method) for path, methods in SCHEMA["paths"].items() for method in methods]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("by"), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())
NAMES = st.just("demo") | st.text(min_size=1, max_size=80).filter(lambda name: name not in (".", ".."))
TYPES = st.sampled_from(["application/json", "text/plain", "multipart/form-data", "", "\xff/\n".encode().hex()])
HARMLESS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]

pytestmark = pytest.mark.django_db


def says(operation: dict[str, Any], status: int, answer: Any) -> str:
    """Return what is wrong with an answer; empty where the page describes it."""
    described = operation["responses"].get(str(status))
    if described is None:
        return f"{status} is not described"
    content = described.get("content", {})
    found = answer.headers.get("Content-Type", "").partition(";")[0]
    if content and found not in content:
        return f"{status} is {found}"
    schema = content.get("application/json", {}).get("schema", {})
    required = SCHEMA["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], {}).get("required", [])
    missing = [name for name in required if name not in answer.json()] if content else []
    return f"{status} lacks {missing}" if missing else ""


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
@given(name=NAMES, body=BODIES, kind=TYPES, query=st.text(max_size=20))
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=HARMLESS,
)
def test_answers_are_those_of_the_page(path: str, method: str, name: str, body: bytes, kind: str, query: str) -> None:
    """No 500, no status that is not on the page, no body of another shape."""
    operation = SCHEMA["paths"][path][method]
    address = f"{path.replace('{name}', quote(name, safe=''))}?x={quote(query)}"
    client = Client(raise_request_exception=False)
    answer = client.generic(method.upper(), address, body, content_type=kind)

    if answer.status_code == 404 and answer.resolver_match is None:
        return  # a name with a slash is another address
    assert says(operation, answer.status_code, answer) == "", (address, body, answer.content[:200])


@pytest.mark.parametrize("path", sorted({path for path, _ in OPERATIONS}))
def test_other_methods_are_405(path: str) -> None:
    """With what would do."""
    address = path.replace("{name}", "demo")
    wrong = {"get", "post", "put", "patch", "delete", "trace"} - SCHEMA["paths"][path].keys()
    answers = [Client(raise_request_exception=False).generic(method.upper(), address) for method in sorted(wrong)]

    assert {answer.status_code for answer in answers} == {405}
