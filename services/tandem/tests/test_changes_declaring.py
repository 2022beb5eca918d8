"""`@tandem.broadcasts`: declarations that cannot be are refused, and so is a `to` that returns something else."""

from __future__ import annotations

from typing import Any

import pytest

import tandem
from tandem.errors import UnknownNamespace
from tests.shop.models import Order

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("store")]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"to": ["kept:a"]}, TypeError, "to is a function of the row that returns channels"),
        ({"to": lambda _: [], "data": 7}, TypeError, "data is a function of the row, a serializer class"),
        ({"to": lambda _: []}, ValueError, "shop.order broadcasts already: name all its channels in one `to`"),
    ],
)
def test_declaration_that_cannot_be(options: dict[str, Any], error: type[Exception], text: str) -> None:
    """Is refused where it stands."""
    with pytest.raises(error, match=text):
        tandem.broadcasts(**options)(Order)


@pytest.mark.parametrize(
    ("channels", "error", "text"),
    [
        ("kept:a", TypeError, "`to` of shop.order returned 'kept:a', not a list of channels"),
        (None, TypeError, "`to` of shop.order returned None, not a list of channels"),
        (["nowhere:a"], UnknownNamespace, "nowhere"),
    ],
)
def test_to_that_returns_something_else(
    monkeypatch: pytest.MonkeyPatch, channels: Any, error: type[Exception], text: str
) -> None:
    """Nothing is saved."""
    answering(monkeypatch, to=lambda _: channels)
    with pytest.raises(error, match=text):
        Order.objects.create()

    assert Order.objects.count() == 0


def answering(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """Have orders say something else of their changes."""
    from tandem.changes import broadcast

    changed = broadcast._broadcasts[Order]._replace(**changes)
    monkeypatch.setitem(broadcast._broadcasts, Order, changed)
