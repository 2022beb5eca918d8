"""Combinations that cannot work stop the render with one sentence that says what to set."""

from __future__ import annotations

from typing import Any

import pytest
from helm_python import HelmError
from tools.helm import render
from tools.impossible import SENTENCES


@pytest.mark.parametrize(("values", "sentence"), [it[1:] for it in SENTENCES], ids=[it[0] for it in SENTENCES])
def test_impossible_combination(values: dict[str, Any], sentence: str) -> None:
    """The render stops, and the last thing it says is the sentence."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert str(caught.value).endswith(sentence)


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"replicas": 3}, "additional properties 'replicas' not allowed"),
        ({"api": {"replica": 3}}, "additional properties 'replica' not allowed"),
        (
            {"realtime": {"autoscaling": {"keda": {"prometheus": "x"}}}},
            "additional properties 'prometheus' not allowed",
        ),
        ({"redis": {"resources": {"limit": {}}}}, "additional properties 'limit' not allowed"),
        ({"mode": "both"}, "at '/mode': value must be one of 'pair', 'asgi'"),
        ({"imagePullPolicy": "never"}, "at '/imagePullPolicy': value must be one of 'IfNotPresent', 'Always', 'Never'"),
        ({"api": {"replicas": "two"}}, "at '/api/replicas': got string, want integer"),
        ({"redis": {"shards": 0}}, "at '/redis/shards': minimum: got 0, want 1"),
    ],
)
def test_schema_refuses(values: dict[str, Any], where: str) -> None:
    """An unknown key or a wrong type is refused, and named."""
    with pytest.raises(HelmError) as caught:
        render(values)

    assert where in str(caught.value)


def test_a_subchart_may_have_globals() -> None:
    """`global`, which Helm passes to a subchart, is no unknown key."""
    assert render({"global": {"x": 1}})
