"""Write the chart's README.md and values.schema.json from values.yaml: ``python -m tools.docs``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tools.definitions import DEFINITIONS
from tools.helm import CHART

KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z]\w*):")
TYPES: dict[type, str] = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}


@dataclass
class Value:
    """One key of values.yaml: where it is, its default, and what the comment above it says."""

    path: tuple[str, ...]
    default: Any
    text: str
    schema: dict[str, Any] = field(default_factory=dict)

    @property
    def is_section(self) -> bool:
        """Tell whether the chart itself names the keys below this one."""
        return isinstance(self.default, dict) and bool(self.default) and not self.text


def read_values(text: str) -> list[Value]:
    """
    Return every documented key of *text*, and every section.

    Raises `ValueError` for a key without a ``# --`` comment that is not a section.
    """
    defaults = yaml.safe_load(text)
    return [_value(path, defaults, comment) for path, comment in _commented_keys(text)]


def _commented_keys(text: str) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    stack: list[tuple[int, str]] = []
    comment: list[str] = []
    documented_at: int | None = None
    for line in text.splitlines():
        if line.strip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
            continue
        if match := KEY.match(line):
            indent = len(match["indent"])
            if documented_at is not None and indent > documented_at:
                continue  # part of a documented default
            documented_at = None
            stack = [entry for entry in stack if entry[0] < indent] + [(indent, match["key"])]
            if any(part.startswith("-- ") for part in comment):
                documented_at = indent
            yield tuple(key for _, key in stack), comment
        comment = []


def _value(path: tuple[str, ...], defaults: Any, comment: list[str]) -> Value:
    default = defaults
    for key in path:
        default = default[key]
    schema: dict[str, Any] = {}
    words = []
    for part in comment:
        if part.startswith("@schema "):
            schema |= json.loads(part.removeprefix("@schema "))
        elif words or part.startswith("-- "):
            words.append(part.removeprefix("-- "))
    value = Value(path, default, " ".join(words), schema)
    if not value.text and not value.is_section:
        raise ValueError(f"values.yaml: {'.'.join(path)} has no comment that starts with --")
    return value


def json_schema(values: list[Value]) -> dict[str, Any]:
    """Return the JSON schema of *values*: types from the defaults, unknown keys refused."""
    root: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart tandem",
        "type": "object",
        "additionalProperties": False,
        "properties": {"global": {"type": "object"}},
        "definitions": DEFINITIONS,
    }
    for value in values:
        parent = root
        for key in value.path[:-1]:
            parent = parent["properties"][key]
        parent["properties"][value.path[-1]] = _property(value)
    return root


def _property(value: Value) -> dict[str, Any]:
    if value.is_section:
        return {"type": "object", "additionalProperties": False, "properties": {}}
    schema = dict(value.schema)
    if reference := schema.pop("$ref", None):
        return {"$ref": f"#/definitions/{reference}"}
    return {"type": TYPES[type(value.default)], "description": value.text, **schema}


def readme(values: list[Value], chart: dict[str, Any], introduction: str) -> str:
    """Return the chart's README: the hand-written *introduction*, then a table of *values*."""
    lines = [
        f"# {chart['name']}",
        "",
        f"{chart['description']}. Chart {chart['version']}, Kubernetes {chart['kubeVersion'].removesuffix('-0')}.",
        "",
        introduction.strip(),
        "",
        "## Values",
        "",
        "| value | default | meaning |",
        "|---|---|---|",
    ]
    for value in values:
        if not value.is_section:
            cells = (f"`{'.'.join(value.path)}`", f"`{json.dumps(value.default)}`", value.text)
            lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Return the text of each file that this module writes, by its name inside the chart."""
    values = read_values((CHART / "values.yaml").read_text())
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    introduction = (CHART / "README.in.md").read_text()
    return {
        "values.schema.json": json.dumps(json_schema(values), indent=2) + "\n",
        "README.md": readme(values, chart, introduction),
    }


if __name__ == "__main__":
    for name, text in files().items():
        (CHART / name).write_text(text)
