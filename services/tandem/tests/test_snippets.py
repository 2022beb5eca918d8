"""What the pages show is what there is: names that are imported, tags, modules of scripts, extras, settings."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import textwrap
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from django.template import Template

from rig.servers import find_program
from tandem.conf import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for folder in (".", ".github", "charts/tandem", "ingress", "services", "services/*", "services/tandem/docs")
    for path in ROOT.glob(f"{folder}/*.md")
)
_FENCE = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks(page: str, *languages: str) -> Iterator[str]:
    """The fenced code of a page in these languages."""
    for _, language, code in _FENCE.findall((ROOT / page).read_text()):
        if language in languages:
            yield textwrap.dedent(code)


def names_of(code: str) -> Iterator[tuple[str, str]]:
    """Every name of ours that Python code takes from a module of ours: ``from tandem.x import y``, ``tandem.y``."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tandem":
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "tandem":
            yield "tandem", node.attr


def is_there(module: str, name: str) -> bool:
    """Tell whether a module has the name, or is a package that has a module of it."""
    try:
        if hasattr(importlib.import_module(module), name):
            return True
        importlib.import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES)
def test_names_of_ours_are_there(page: str) -> None:
    """What a snippet imports can be imported."""
    wanted = {name for code in blocks(page, "python") for name in names_of(code)}

    assert {name for name in wanted if not is_there(*name)} == set()


@pytest.mark.parametrize("page", PAGES)
def test_templates_compile(page: str) -> None:
    """Every tag is one of Django's or of ours, with arguments that it takes."""
    for code in blocks(page, "html", "django"):
        Template("{% load tandem static %}" + code.replace("{% load partials %}", ""))


def test_scripts_are_modules(tmp_path: Path) -> None:
    """Every snippet of JavaScript is a module that parses."""
    files = []
    for page in PAGES:
        for number, code in enumerate(blocks(page, "js")):
            files.append(tmp_path / f"{page.replace('/', '-')}-{number}.mjs")
            files[-1].write_text(code)
    check = "const { readFileSync } = require('fs'); const { SourceTextModule } = require('vm');" + (
        "for (const identifier of process.argv.slice(1))"
        " new SourceTextModule(readFileSync(identifier, 'utf8'), { identifier })"
    )
    command = [find_program("node"), "--experimental-vm-modules", "--no-warnings", "-e", check, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert files
    assert done.stderr == ""


@pytest.mark.parametrize("page", sorted({*PAGES} - {"CHANGELOG.md"}))  # which tells of what is gone, too
def test_what_is_named_is_there(page: str) -> None:
    """Commands of manage.py, extras of the package, variables, values of the chart."""
    text = (ROOT / page).read_text()
    extras = tomllib.loads((ROOT / "services/tandem/pyproject.toml").read_text())["project"]["optional-dependencies"]
    values = yaml.safe_load((ROOT / "charts/tandem/values.yaml").read_text())
    commands = set(re.findall(r"manage\.py ([a-z]\w*)", text))
    named = {extra for each in re.findall(r"django-tandem\[([\w,]+)\]", text) for extra in each.split(",")}
    given = set(re.findall(r"--set(?:-string)? ([\w.]+)=", text))

    assert commands - set(get_commands()) == set()
    assert set(re.findall(rf"{PREFIX}[A-Z][A-Z_]*[A-Z]", text)) - variables() == set()
    assert named - set(extras) == set()
    assert {path for path in given if not has(values, path.split("."))} == set()


def has(values: object, path: list[str]) -> bool:
    """Tell whether the chart has a value there; an empty map takes any."""
    if not path or values == {}:
        return True
    return isinstance(values, dict) and path[0] in values and has(values[path[0]], path[1:])


@cache
def variables() -> set[str]:
    """Every variable that the package reads, or another program of this repository."""
    keys = {f"{PREFIX}{key.upper()}" for key in Settings.__struct_fields__}
    listed = subprocess.run(["git", "ls-files", "*.py", ".ci"], cwd=ROOT, check=True, capture_output=True, text=True)
    texts = ((ROOT / path).read_text() for path in listed.stdout.split() if (ROOT / path).exists())
    return keys | {name for text in texts for name in re.findall(rf"{PREFIX}[A-Z][A-Z_]*[A-Z]", text)}
