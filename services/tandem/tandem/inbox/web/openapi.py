"""The inbox's OpenAPI page: every route, parameter, body and answer."""

from __future__ import annotations

from typing import Any

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

import tandem
from tandem.inbox.web import shapes, views

_WHY = {
    "400": "malformed: the field that is at fault is named",
    "401": "nobody is logged in",
    "404": "there is none, or it is another's",
}

_CSRF = {"description": "the CSRF token is missing; the project's CSRF_FAILURE_VIEW answers"}
_EITHER = {"Mark": (("ids",), ("up_to",)), "Choice": (("kind", "medium"), ("thread",))}
"""Of these fields a body has one side, and nothing of the other."""


@login_not_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Answer with the description, which tells nothing of anybody."""
    return JsonResponse(description(reverse(f"{request.resolver_match.namespace}:list")))  # type: ignore[union-attr]  # a view of a URLconf has one


def description(prefix: str) -> dict[str, Any]:
    """Return the OpenAPI document of the routes beneath *prefix*."""
    answers = (shapes.ListAnswer, shapes.CountsAnswer, shapes.ItemAnswer, shapes.MarkAnswer, shapes.PreferencesAnswer)
    _, components = msgspec.json.schema_components(
        [*answers, shapes.Refusal, views.Mark, views.Choice], ref_template="#/components/schemas/{name}"
    )
    for name, sides in _EITHER.items():
        components[name]["oneOf"] = [_side(own, other) for own, other in (sides, sides[::-1])]
    refusal = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Inbox", "version": tandem.__version__},
        "servers": [{"url": prefix.rstrip("/")}],
        "security": [{"session": []}],
        "paths": {
            "/": {"get": _operation("A page of the inbox", "ListAnswer", 400, 401, parameters=_LIST)},
            "/counts/": {"get": _operation("What a badge shows", "CountsAnswer", 401)},
            "/items/{id}/": {"get": _operation("One item", "ItemAnswer", 401, 404, parameters=[_ID])},
            "/mark/": {
                "post": _operation("Mark some, or all that was shown", "MarkAnswer", 400, 401, 403, 404, body="Mark")
            },
            "/preferences/": {
                "get": _operation("What the user wants to hear of", "PreferencesAnswer", 401),
                "post": _operation("Change it", "PreferencesAnswer", 400, 401, 403, body="Choice"),
            },
        },
        "components": {
            "schemas": components,
            "responses": {status: {"description": why, **refusal} for status, why in _WHY.items()} | {"403": _CSRF},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRFToken"},
            },
        },
    }


def _operation(
    summary: str, answer: str, *refusals: int, parameters: list[dict[str, Any]] | None = None, body: str = ""
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": _json(answer)},
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in refusals},
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {"required": True, "content": _json(body)}
        operation["security"] = [{"session": [], "csrf": []}]
    return operation


def _side(own: tuple[str, ...], other: tuple[str, ...]) -> dict[str, Any]:
    given = {name: {"not": {"type": "null"}} for name in own}
    return {"required": list(own), "properties": given | {name: {"type": "null"} for name in other}}


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _query(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_LIST = [
    *(_query(name, type="string", enum=["0", "1", "true", "false"]) for name in ("unseen", "unread", "archived")),
    _query("category", type="string", maxLength=50),
    _query("limit", type="integer", minimum=1, maximum=views.MOST_ITEMS, default=views.USUAL_ITEMS),
    _query("cursor", type="string"),
]
