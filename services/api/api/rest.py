"""The HTTP API as a whole: how a body is read, how an error is told, where the docs are. Each app brings its router."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import ValidationError
from ninja.parser import Parser

import tandem
from api.counters.api import router as counters
from api.openapi_page import OpenAPIPage

MAX_DIGITS = 25  # more than 64 bits have; Python's own limit (4300) would make a malformed body of a large number


class JSONParser(Parser):
    """Read a JSON body. An absurdly long integer becomes a float, for validation to refuse by its field's name."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Parse the body, or raise `ValueError`."""
        return json.loads(request.body, parse_int=_parse_int)


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


api = NinjaAPI(
    title="Tandem",
    version=tandem.__version__,
    description="Counters that tell every open page when they change.",
    parser=JSONParser(),
    docs=OpenAPIPage(),
    urls_namespace="api",
)
api.add_router("/counters", counters)


@api.exception_handler(ValidationError)
def tell_invalid_fields(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    """Name the fields as the caller knows them: ``["body", "by"]``, without the name of our Python parameter."""
    assert isinstance(error, ValidationError)
    detail = [
        {"type": problem["type"], "loc": _without_parameter(problem["loc"]), "msg": problem["msg"]}
        for problem in error.errors
    ]
    return api.create_response(request, {"detail": detail}, status=422)


def _without_parameter(location: tuple[str | int, ...] | list[str | int]) -> list[str | int]:
    return [part for part in location if part != "payload"]
