"""The HTTP API of counters: shapes, statuses, headers."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

import tandem
from api.counters.models import Counter

pytestmark = pytest.mark.django_db


def increment(client: Client, body: str = "", name: str = "demo") -> Any:
    """Press the button with *body*."""
    return client.post(f"/api/counters/{name}/increment/", body, content_type="application/json")


def test_list_has_every_counter(client: Client) -> None:
    """Counters come by name, with the four fields."""
    Counter.objects.create(name="alpha", value=7)

    answer = client.get("/api/counters/").json()

    assert [(each["name"], each["value"], sorted(each)) for each in answer] == [
        ("alpha", 7, ["changed_at", "name", "value", "version"]),
        ("demo", 0, ["changed_at", "name", "value", "version"]),
    ]


def test_get_carries_the_position(client: Client) -> None:
    """The header is the position of the counter's stream."""
    answer = client.get("/api/counters/demo/")

    assert answer.json()["value"] == 0
    assert answer["X-Tandem-Position"] == str(tandem.position("public:counter.demo"))


@pytest.mark.usefixtures("redis_down")
def test_get_without_redis_has_no_position(client: Client) -> None:
    """The value is there all the same."""
    answer = client.get("/api/counters/demo/")

    assert (answer.status_code, answer.json()["value"], answer.has_header("X-Tandem-Position")) == (200, 0, False)


@pytest.mark.parametrize("sent", ['"0"', 'W/"0"', '"7", W/"0"'])
def test_unchanged_counter_is_not_sent_again(client: Client, sent: str) -> None:
    """If-None-Match with the current version: 304 with the headers and no body."""
    answer = client.get("/api/counters/demo/", headers={"If-None-Match": sent})

    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", '"0"')
    assert answer.has_header("X-Tandem-Position")


def test_changed_counter_is_sent_again(client: Client) -> None:
    """If-None-Match with an old version: the new row."""
    increment(client)

    answer = client.get("/api/counters/demo/", headers={"If-None-Match": '"0"'})

    assert (answer.status_code, answer.json()["value"], answer["ETag"]) == (200, 1, '"1"')


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ("", 1),
        ("{}", 1),
        ('{"by": 5}', 5),
        ('{"by": -5}', -5),
        ('{"by": 2.0}', 2),
        ('{"by": -1e3}', -1000),
        ('{"by": 9223372036854775807}', 2**63 - 1),
    ],
)
def test_increment_answers_the_new_value(client: Client, body: str, value: int) -> None:
    """By one, unless the body says otherwise."""
    answer = increment(client, body)

    assert (answer.status_code, answer.json()["value"], answer.json()["version"]) == (200, value, 1)


@pytest.mark.parametrize(
    "by",
    [
        "0",
        "-0.0",
        "1.5",
        "1e-3",
        "1e19",
        "1e400",
        "true",
        "null",
        '"1"',
        '""',
        "[]",
        "{}",
        "NaN",
        "Infinity",
        "9223372036854775808",
        "-9223372036854775809",
        "1" * 30,
        "9" * 5000,
    ],
)
def test_bad_step_is_named_and_changes_nothing(client: Client, by: str) -> None:
    """422 with the field, the value as it was."""
    answer = increment(client, f'{{"by": {by}}}')

    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "by"])
    assert Counter.objects.get().value == 0


def test_overflow_is_named_and_changes_nothing(client: Client) -> None:
    """409 when the sum does not fit: another time it would."""
    Counter.objects.update(value=2**63 - 1)

    answer = increment(client)

    assert (answer.status_code, answer.json()) == (409, {"detail": "the sum does not fit into 64 bits"})
    assert Counter.objects.get().value == 2**63 - 1


def test_the_page_says_what_a_step_is(client: Client) -> None:
    """By JSON Schema, to which 2.0 is an integer."""
    by = client.get("/api/openapi.json").json()["components"]["schemas"]["IncrementIn"]["properties"]["by"]

    assert by == {
        "title": "By",
        "type": "integer",
        "minimum": -(2**63),
        "maximum": 2**63 - 1,
        "not": {"const": 0},
        "default": 1,
    }


@pytest.mark.parametrize("body", ["{", "[" * 100_000, "\xff", "by=1"])
def test_body_that_is_not_json_is_refused(client: Client, body: str) -> None:
    """400, the value as it was."""
    assert increment(client, body).status_code == 400
    assert Counter.objects.get().value == 0


@pytest.mark.parametrize("body", ["[]", "1", '"by"', '{"bye": 2}'])
def test_body_of_another_shape_is_refused(client: Client, body: str) -> None:
    """422, the value as it was."""
    assert increment(client, body).status_code == 422
    assert Counter.objects.get().value == 0


@pytest.mark.parametrize("name", ["nobody", "DEMO", "de%00mo", "%F0%9F%9A%B2", "x" * 300, "..", "demo%0A"])
def test_unknown_counter_is_404(client: Client, name: str) -> None:
    """Whatever the name looks like; the answer is JSON."""
    for answer in (client.get(f"/api/counters/{name}/"), increment(client, name=name)):
        assert (answer.status_code, "detail" in answer.json()) == (404, True)


@pytest.mark.usefixtures("redis_down")
@pytest.mark.django_db(transaction=True)
def test_increment_succeeds_without_redis(client: Client) -> None:
    """The row is committed, so the answer says so; the publication waits."""
    Counter.objects.get_or_create(name="demo")

    answer = increment(client)

    assert (answer.status_code, answer.json()["value"]) == (200, 1)


def test_docs_are_served_by_us(client: Client) -> None:
    """The OpenAPI page loads nothing from elsewhere and names our routes."""
    page = client.get("/api/docs").content.decode()
    schema = client.get("/api/openapi.json").json()

    assert "https://" not in page
    assert sorted(schema["paths"]) == [
        "/api/counters/",
        "/api/counters/{name}/",
        "/api/counters/{name}/increment/",
    ]
