"""The HTTP API of counters. Parses and answers; `actions` decides."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control
from ninja import Router, Schema
from ninja.errors import HttpError
from ninja.responses import Status
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from api.counters import actions
from api.counters.models import Counter

router = Router(tags=["counters"])


def _take_whole_float(by: Any) -> Any:
    """Return 2 for 2.0, which is an integer to JSON Schema, and so to whoever goes by our OpenAPI page."""
    return int(by) if isinstance(by, float) and by.is_integer() else by


def _refuse_zero(by: int) -> int:
    if by == 0:
        raise PydanticCustomError("zero", "0 changes nothing")
    return by


Step = Annotated[
    int,
    Field(strict=True, ge=actions.SMALLEST, le=actions.LARGEST, json_schema_extra={"not": {"const": 0}}),
    BeforeValidator(_take_whole_float),
    AfterValidator(_refuse_zero),
]
Name = Annotated[str, Field(examples=["demo"])]


class CounterOut(Schema):
    """A counter as the API tells it."""

    name: Name
    value: Annotated[int, Field(examples=[42])]
    changed_at: Annotated[datetime, Field(examples=["2026-11-26T09:00:00.123456Z"])]
    version: Annotated[int, Field(examples=[57])]


class Refusal(Schema):
    """Why there is no answer."""

    detail: str


class WrongField(Schema):
    """What is wrong with one field of a body."""

    type: str
    loc: list[str | int]
    msg: str


class WrongFields(Schema):
    """What is wrong with a body that is JSON."""

    detail: list[WrongField]


# Not a ninja Schema: that reads attributes of whatever comes, so that [] or "x" would be a body without fields.
class IncrementIn(BaseModel, extra="forbid"):
    """How far to go; backwards when negative."""

    by: Step = 1


@router.get("/", response=list[CounterOut], summary="All counters")
def list_counters(request: HttpRequest) -> QuerySet[Counter]:
    """Every counter, by name."""
    return Counter.objects.all()


@router.get("/{name}/", response={200: CounterOut, 304: None, 404: Refusal}, summary="One counter")
def get_counter(request: HttpRequest, response: HttpResponse, name: Name) -> Counter | Status[None]:
    """
    One counter, with `X-Tandem-Position: <epoch>:<offset>` of its channel, read before the row.

    Subscribe from that position and miss nothing. The header is absent while Redis is down. `ETag` and `If-None-Match`
    make asking again cheap.
    """
    try:
        counter, position = actions.find_with_position(name)
    except actions.UnknownCounter as error:
        raise HttpError(404, str(error)) from error
    etag = f'"{counter.version}"'
    response["ETag"] = etag
    patch_cache_control(response, no_cache=True)
    if position is not None:
        response["X-Tandem-Position"] = str(position)
    return Status(304, None) if _matches(request.headers.get("If-None-Match", ""), etag) else counter


def _matches(if_none_match: str, etag: str) -> bool:
    """Compare weakly (RFC 9110 section 13.1.2): a proxy that compresses makes the tag weak."""
    return etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}


@router.post(
    "/{name}/increment/",
    response={200: CounterOut, 400: Refusal, 404: Refusal, 409: Refusal, 422: WrongFields},
    summary="Increment a counter",
)
def increment_counter(request: HttpRequest, name: Name, payload: IncrementIn | None = None) -> Counter:
    """Add `by` (1 unless given, negative to go back) in one atomic step, and publish the new value."""
    try:
        return actions.increment(name, payload.by if payload else 1)
    except actions.UnknownCounter as error:
        raise HttpError(404, str(error)) from error
    except actions.OutOfRange as error:
        raise HttpError(409, str(error)) from error
