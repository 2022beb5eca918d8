"""``/api/docs``: the OpenAPI description as a page of ours, instead of Swagger's. No script, so nothing to keep up."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape, format_html_join
from django.utils.safestring import SafeString, mark_safe
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

from api.front.excerpts import highlight

JSON = "application/json"


class Field(NamedTuple):
    """One thing that a caller sends: in the path, or in the body."""

    name: str
    place: str
    says: str


class Answer(NamedTuple):
    """One status that may come back."""

    status: str
    name: str
    says: str


class Operation(NamedTuple):
    """One method of one path, with a call that works in every installation and what it brings."""

    method: str
    path: str
    summary: str
    text: SafeString
    fields: list[Field]
    answers: list[Answer]
    example: str
    body: Any
    answer: Any

    @property
    def sends(self) -> SafeString:
        """The body as HTML."""
        return highlight(json.dumps(self.body))

    @property
    def brings(self) -> SafeString:
        """The answer as HTML."""
        return highlight(json.dumps(self.answer, indent=2))


class OpenAPIPage(DocsBase):
    """What `NinjaAPI` renders its docs with."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Show every operation, and lead to the description that programs read."""
        context = {
            "api": api,
            "operations": operations(api.get_openapi_schema()),
            "openapi": self.get_openapi_url(api, kwargs),
            "host": f"{request.scheme}://{request.get_host()}",
        }
        return render(request, "openapi.html", context)


def operations(schema: dict[str, Any]) -> list[Operation]:
    """Return what an OpenAPI description has, in its order."""
    schema = json.loads(json.dumps(schema, default=str))  # ninja's has keys and values that only become JSON's
    described = _Description(schema.get("components", {}).get("schemas", {}))
    return [
        described.operation(method.upper(), path, found)
        for path, methods in schema["paths"].items()
        for method, found in methods.items()
    ]


class _Description:
    """The types of a description, by which the rest of it is understood."""

    def __init__(self, types: dict[str, Any]) -> None:
        self._types = types

    def operation(self, method: str, path: str, found: dict[str, Any]) -> Operation:
        """Return what is said of one method of one path."""
        parameters = found["parameters"]
        body = self._resolve(_content(found.get("requestBody", {})))
        fields = [Field(each["name"], each["in"], self._kind(each["schema"])) for each in parameters]
        fields += [Field(name, "body", self._kind(each)) for name, each in body.get("properties", {}).items()]
        answers = [self._answer(status, each) for status, each in found["responses"].items()]
        example = re.sub(r"{(\w+)}", lambda name: self._example_of(parameters, name[1]), path)
        best = _content(next(iter(found["responses"].values())))
        text = _paragraphs(found.get("description", ""))
        sent, brought = self.example(body) if body else None, self.example(best)
        return Operation(method, path, found["summary"], text, fields, answers, example, sent, brought)

    def example(self, schema: dict[str, Any]) -> Any:
        """Return what *schema* might describe: of each field the example that its author gave."""
        schema = self._resolve(schema)
        if "properties" in schema:
            return {name: self.example(each) for name, each in schema["properties"].items()}
        if "items" in schema:
            return [self.example(schema["items"])]
        return schema.get("examples", [schema.get("default")])[0]

    def _example_of(self, parameters: list[dict[str, Any]], name: str) -> str:
        [found] = [each["schema"] for each in parameters if each["name"] == name]
        return str(self.example(found))

    def _answer(self, status: str, found: dict[str, Any]) -> Answer:
        return Answer(status, found["description"], self._resolve(_content(found)).get("description", ""))

    def _kind(self, schema: dict[str, Any]) -> str:
        """Return in words what a value may be."""
        schema = self._resolve(schema)
        words = {"minimum": "at least {}", "maximum": "at most {}", "default": "{} unless given"}
        said = [form.format(schema[key]) for key, form in words.items() if key in schema]
        return ", ".join([schema.get("type", "anything"), *said])

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Follow a reference; of several types the first counts, the others say that there may be nothing."""
        schema = schema.get("anyOf", [schema])[0]
        found: dict[str, Any] = self._types[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        return found


def _content(found: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = found.get("content", {}).get(JSON, {}).get("schema", {})
    return schema


def _paragraphs(text: str) -> SafeString:
    """Return a docstring as HTML: its paragraphs, and code where backticks are."""
    paragraphs = [re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(each)) for each in text.split("\n\n")]
    return format_html_join("", "<p>{}</p>", ([mark_safe(each)] for each in paragraphs if each))  # escaped above
