"""To others: what is published during a request carries the mark of the tab that it came from."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, RequestFactory

import tandem
from tandem.tab import HEADER, mark_of, marking, to_others
from tandem.testing import memory, published
from tests.shop.models import Order

TAB = "tandem 1,2,3"
MARK = mark_of(RequestFactory().get("/", headers={HEADER: TAB}))


def tags(channel: str = "kept:a") -> list[dict[str, str]]:
    """Return the tags of what was published to *channel*."""
    return [each.tags for each in published(channel)]


def answer(view: Any, **headers: str) -> None:
    """Have *view* answer a request behind the middleware."""
    to_others(view)(RequestFactory().get("/", headers=headers))


def test_mark_is_none_of_the_tab() -> None:
    """96 bits of its hash, which says nothing of it, as tandem.js makes it."""
    assert MARK == "2980024472,412540043,1850679158"


@pytest.mark.django_db(transaction=True)
def test_everything_published_in_the_request_is_marked() -> None:
    """At once, by the outbox, by a model; a tag of one's own beside it, or in its place; after it nothing."""

    def view(request: HttpRequest) -> HttpResponse:
        tandem.publish("kept:a", 1)
        with transaction.atomic():
            tandem.publish_on_commit("kept:a", 2, tags={"kind": "x"})
            tandem.publish_on_commit("kept:a", 3, tags={"tab": ""})
            Order.objects.create(shelf="a")
        return HttpResponse()

    with memory():
        answer(view, **{HEADER: TAB})
        tandem.publish("kept:a", 4)

        assert tags() == [{"tab": MARK}, {"tab": MARK, "kind": "x"}, {"tab": ""}, {}]
        assert tags("kept:orders.a") == [{"tab": MARK}]


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: "x" * 65}])
def test_request_without_a_tab_marks_nothing(headers: dict[str, str]) -> None:
    """Nor does one with something else in its place."""

    def view(request: HttpRequest) -> HttpResponse:
        tandem.publish("kept:a", 1)
        return HttpResponse()

    with memory():
        answer(view, **headers)

        assert tags() == [{}]


async def test_async_views_are_marked() -> None:
    """As sync ones."""

    async def view(request: HttpRequest) -> HttpResponse:
        await tandem.apublish("kept:a", 1)
        return HttpResponse()

    with memory():
        await to_others(view)(AsyncRequestFactory().get("/", headers={HEADER: TAB}))
        await tandem.apublish("kept:a", 2)

        assert tags() == [{"tab": MARK}, {}]


def test_task_carries_it_on() -> None:
    """With what the request that began it was."""
    with memory(), marking(MARK):
        tandem.publish("kept:a", 1)

        assert tags() == [{"tab": MARK}]
